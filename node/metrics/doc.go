// Package metrics gives a node's figures to Prometheus.
//
// Most figures exist elsewhere, where they belong: they are read when somebody asks
// for them, through the function that New is given. Only what nobody counts is counted
// here: latencies, outcomes of orders, takeovers, and when trades came in. The node
// tells it of them; none of its methods waits for anything.
//
// Metrics of a symbol are of those that the node owns and vanish with them, so the sum
// over all nodes counts nothing twice. docs/metrics.md has the list, which a test
// compares with what a node tells.
package metrics

// Package cluster decides which node owns which symbol, and tells a node what it
// may do for which.
//
// The Controller works on the node that leads the Raft group: it answers the
// owners' renewals, plans (cluster/assign) and commits assignments. The Agent
// works on every node: it renews the node's lease, carries out what the
// replicated state says, and confirms what it gave up. Both know symbols as
// strings and nothing of trading; what a node runs for a symbol is behind the
// Parts interface.
//
// The way of a symbol from node A to node B while A lives:
//
//	controller  commits next = B        A goes on owning
//	B           streams and stores      and says that it is ready
//	controller  covers the symbol no longer; A's next answer says so
//	A           stops trading           and confirms the release
//	controller  commits owner = B, epoch + 1
//	B           trades                  as soon as an answer covers the new epoch
//	A           stops streaming
//
// When A does not live, the controller waits until A's lease has run out on the
// most cautious reading of the clocks (lease.Book) and commits owner = B at once.
//
// A release is for ever: who has confirmed the release of a symbol at an epoch
// never acts under that epoch again, whatever answers were still on their way. It
// is told to every leader until a newer epoch shows that it was heard.
//
// A leader does nothing until it has applied what was committed before its term,
// and what it decides is committed in its own term or not at all.
//
// The tests run both on simulated clusters, on a virtual clock (world_test.go): a
// world that breaks a promise is printed with its seed, and follows from that.
package cluster

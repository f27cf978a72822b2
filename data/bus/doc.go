// Package bus carries events between the parts of one node. A publisher names
// a topic, such as TRADE_EVENTS:XRPETH, and knows nothing of who listens.
//
// Ordering: a subscription sees the events of one publisher in the order of
// their publication, over all its topics. Two publishers of one topic may
// interleave differently at two subscriptions.
//
// Slow consumers: every subscription has a queue of bounded capacity. A
// lossless subscription (trader, collector, aggregator) holds the publisher
// back while its queue is full, so at most Capacity events wait for it and
// none is lost. A lossy one (a terminal, a page) drops its oldest event instead
// and counts it. Closing a subscription releases a publisher that waits for it.
//
// Events are shared, not copied: nobody changes an event after publishing it.
//
// Testing: Settle waits until the lossless subscribers of some topics have
// dealt with all that they were given, so a test moves in lock-step without
// sleeping.
package bus

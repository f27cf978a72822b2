// Package live tells browsers and terminals over one websocket each what goes on:
// the cluster and its events as they change, every node's status each second, and
// what passes on the topics that they watch. The shapes are api.LiveFrame and
// api.LiveRequest.
//
// Nobody waits for a client. What it does not take in time waits in a queue for
// each topic, bounded, whose oldest events are dropped and counted; of the cluster
// only the latest state is told. A client that takes nothing for WritePatience, or
// does not answer pings, is cut off.
//
// Each connection has a goroutine that writes (the caller of Serve), one that reads,
// one that asks the nodes for their status, so that one that does not answer holds up
// nothing else, and one for each topic. Serve waits for the end of all.
package live

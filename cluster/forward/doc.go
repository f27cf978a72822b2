// Package forward carries events from the node where they happen to the nodes
// where somebody listens.
//
// A part of this node that listens to a topic says so with Want. While anything
// is wanted, the Forwarder keeps one connection, a link, to every peer and tells
// it the wanted topics; the peer subscribes to them on its own bus and sends
// what passes there. The other way round, peers that want topics of this node
// connect here, and each such connection is a feed with a queue of its own.
// Nothing crosses that nobody wants, and what came from a peer is never sent on.
//
// The node starts one Forwarder and runs it as long as it is in the cluster.
// The listener and the dial function belong to the port that the nodes share;
// connections are authenticated before they get here.
//
// Order: the events of one topic and one node arrive in the order in which that
// node's bus delivered them.
//
// Bound: a feed never holds the bus back. Config.Queue events may wait for a
// peer; up to that nothing is lost while the connection stands. Beyond it the
// oldest is dropped, the sender counts it, and so does the receiver, by the gap
// in the sequence numbers. What passes while there is no connection does not
// cross and is counted by nobody, except for what waited when it broke: Connects
// tells a listener that there may be such a gap. A receiver whose own bus is
// full stops reading, so that the queue at the sender fills.
//
// Liveness: both ends write at least every Config.Heartbeat and give up on the
// other after Config.Silence without a message. A link comes back with back-off
// and says again what is wanted; a feed's end unsubscribes all of it.
//
// Wire: a websocket. Towards the sender go text messages of lines, "+TOPIC" for
// what is wanted and "-TOPIC" for what no longer is; towards the listener binary
// frames: the sequence number of the first event (8 bytes, big endian), then for
// each event its length (4 bytes) and its bytes as the Codec wrote them. Length
// 0 stands for an event that could not be encoded. Empty messages and frames
// without events are heartbeats. Anything else closes the connection.
package forward

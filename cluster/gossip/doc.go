// Package gossip knows which nodes make up the cluster and which of them live:
// membership and failure detection over memberlist, encrypted with the cluster's
// key.
//
// The node makes one Gossip, runs it, and tells it to Join. Members lists who is
// there, and for a while who failed and who left of his own accord; Changed says
// when to look again. What a node wants the others to know of it, above all its
// peer address, is its Meta.
//
// A Gossip promises that a name belongs to one living node: a second one is
// refused with ErrNameTaken, a restarted one gets its name back, at whatever
// address. Nodes of another secret or another cluster stay out. It keeps trying
// to reach those that it lost, so that the parts of a parted network find each
// other again. Nothing here decides who may act: that is consensus' and the
// leases' business.
package gossip

// Package peer is the closed door of a cluster: the cluster's one secret, the
// identities that are derived from it, and the one TLS port of a node that
// raft, calls and event forwarding share.
//
// From the Secret come the key of the gossip, a public fingerprint that tells
// two clusters apart, and the key of a certificate authority. A node makes
// itself a fresh certificate at every start (Identity); its key never leaves the
// process. Both ends of every connection show such a certificate, so that who
// lacks the secret can neither serve, nor call, nor read along. Who has the
// secret is trusted, also in what it says its name is.
//
// The node makes the Port and runs it; the packages that speak a protocol take
// its Listener and its Dial. A Port promises that silent, slow or garbage
// clients hold up nobody else, and that what Accept hands out is a member, whose
// name PeerName tells. A cluster without a secret (NoSecret) runs the same code,
// on loopback addresses only.
package peer

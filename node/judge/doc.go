// Package judge holds a run of a cluster against what Hedgehog promises, from the
// exchange's point of view. A simulation and a fault runner with real processes
// share it.
//
// A Judge is told of two things while the run lasts: who was made the owner of a
// symbol, and each entry of the exchange's journal. Of that it keeps books of its
// own, so that one trader a symbol, orders sent once, bounded positions and
// amounts that add up are judged with every entry. When the run is over and all
// has come to rest it compares the books with the balances that the exchange
// reports (Balances) and with what the nodes have stored (Stored, ReadStore).
// A History records the calls of the cluster's users and tells whether what they
// were answered can be explained by one order of those calls.
//
// Whatever breaks a promise is a Violation with its Rule; the run's owner decides
// what follows from one. The package knows no cluster, no clock and no process,
// and nothing in a node imports it.
package judge

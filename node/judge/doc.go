// Package judge holds a run of a cluster against what Hedgehog promises, from the
// exchange's point of view. A simulation and a fault runner with real processes
// share it.
//
// A Judge is told of two things while the run lasts: who was made the owner of a
// symbol (Assigned), and each entry of the exchange's journal (Journal). Of that
// it keeps books of its own, so that one trader a symbol, orders sent once,
// bounded positions and amounts that add up are judged with every entry. When the
// run is over and all has come to rest it compares its books with the balances
// that the exchange reports (Balances) and with what the nodes have stored
// (Stored; ReadStore reads a node's file). A History records the calls of the
// cluster's users and tells whether one order of those calls explains what they
// were answered.
//
// Whatever breaks a promise is a Violation with its Rule; whoever owns the run
// decides what follows from one. The package starts nothing, and apart from the
// time that History.Check may take it knows no clock. Nothing in a node imports it.
//
// What it can't see: requests that never reached the exchange; which life of a
// node sent an order, as user agents name the node alone; and two accounts, since
// all entries count as those of one.
package judge

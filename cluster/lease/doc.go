// Package lease holds the arithmetic that lets one node at a time act for a
// symbol: the owner's Guard, the leader's Book, and the Timing that binds them.
// It starts nothing and sends nothing; the clocks come from outside. Only
// differences of a clock's own readings count, so they have to be monotonic
// (those of time.Now are); wall clocks play no part.
//
// What it promises: as long as no clock's rate is off by more than MaxDrift, at
// no instant do two nodes' guards allow the same symbol, whatever is delayed,
// lost, overtaken, paused or deposed. That holds when the callers keep to this
// order of things.
//
// The owner, every Timing.Renew:
//
//  1. reads its clock, then sends the renewal;
//  2. hands the answer to Guard.Renewed with the reading of step 1;
//  3. to give a symbol up, calls Guard.Drop, then waits until the last request
//     that it checked has its answer or the request's window has passed, and
//     only then tells the leader that the symbol is released.
//
// The leader, in a term for which it has called Book.Elected after it had
// applied all that was committed before:
//
//  1. reads its clock when a renewal has been received;
//  2. then verifies with a quorum that it still leads, in that same term;
//  3. reads from the replicated state which symbols the node owns, passes them
//     through Book.Grant, and answers with what that returns.
//
// To take a symbol away the leader calls Book.Revoke, waits until Book.Free says
// so, and commits the assignment with a higher epoch, under the condition that
// the epoch before is still in force and the term still that of Book.Elected.
//
// A request to the exchange takes its timestamp first and passes Guard.Check
// after that. Between the check and the exchange the process may be stopped for
// any time: the exchange refuses what arrives after the timestamp and window
// that were checked. This also covers a machine that was suspended, whose
// monotonic clock stood still: its timestamps are then as late as the clock.
//
// Epochs count from 1 and rise with every assignment of a symbol.
package lease

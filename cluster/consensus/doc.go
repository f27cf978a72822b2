// Package consensus keeps one replicated state on every node: a raft group
// (hashicorp/raft) whose log and votes are in Dir/raft and whose committed
// commands go, batch by batch, into the node's StateMachine.
//
// The composition root builds a Consensus and runs it; the controller on the
// leader proposes commands and keeps the voters as ChooseServers wants them.
//
// What it promises:
//
//   - A command whose Propose returned nil error is applied on a quorum's log and
//     to this node's state machine, and survives the loss of any minority of the
//     voters. ErrNotLeader means that it was not accepted and never will be;
//     ErrUnknownOutcome that it may or may not be, now or later.
//   - Every state machine sees the same commands in the same order, each once: what
//     its durable index already covers is not handed to it again. When it can't
//     store a batch, nothing later is applied and Run ends with ErrApply: a restart
//     goes on from the log.
//   - VerifyLeader returns nil only if, after it was called, a quorum of the voters
//     answered a message that was sent after it was called, all in one term. That
//     is what leases rest on. It is stricter than the library's own check, which
//     also counts answers to older messages, such as lie in the socket of a node
//     that was paused, and answers of non-voters.
//   - Run leaves nothing behind: connections are closed, files are shut, goroutines
//     have ended. A leader first hands over to another voter.
//
// Terms, roles and addresses are the raft library's. Times are real time: tests
// use short time-outs instead of an injected clock, since the library has none.
package consensus

package consensus

import (
	"errors"
	"fmt"
)

var (
	// ErrNotLeader is returned where only the leader can act. What was asked for
	// was not done and will not be. A *NotLeaderError says who leads.
	ErrNotLeader = errors.New("not the leader")

	// ErrUnknownOutcome is returned when a command was handed over and it can't be
	// told any more whether it is, or will be, applied.
	ErrUnknownOutcome = errors.New("unknown outcome")

	// ErrStopped is returned before Run has opened the log and after it has begun
	// to end. Nothing was done.
	ErrStopped = errors.New("consensus is not running")

	// ErrApply is returned by Run when the state machine could not store committed
	// commands, as on a full disk. They stay in the log: nothing is lost.
	ErrApply = errors.New("state machine could not apply committed commands")

	// ErrCorrupt is returned by Run and Recover when the raft directory can't be
	// read, or does not belong to the state beside it.
	ErrCorrupt = errors.New("raft directory is damaged")

	// ErrInUse is returned by Run and Recover when another process has the raft
	// directory open.
	ErrInUse = errors.New("raft directory is in use")

	// ErrTooLarge is returned by Propose for a command of more than MaxCommand bytes.
	ErrTooLarge = errors.New("command is too large")

	// ErrUnknownServer is returned when a server is named that is not there, or
	// has no vote where it needs one.
	ErrUnknownServer = errors.New("no such voter")

	// ErrNoAnswer is returned when leadership can't be given away, since who should
	// take it does not answer.
	ErrNoAnswer = errors.New("no answer")
)

// NotLeaderError is the ErrNotLeader that says who leads instead.
type NotLeaderError struct {
	Leader Server // zero while no other leader is known
}

func (e *NotLeaderError) Error() string {
	if e.Leader.Name == "" {
		return ErrNotLeader.Error() + ": no leader is known"
	}
	return fmt.Sprintf("%v: %s at %s leads", ErrNotLeader, e.Leader.Name, e.Leader.Address)
}

// Is makes errors.Is(err, ErrNotLeader) true.
func (e *NotLeaderError) Is(target error) bool { return target == ErrNotLeader }

package gossip

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// State is what the node knows of a member.
type State string

const (
	// Alive is also a member that has been silent for less than the suspicion.
	Alive State = "alive"
	// Failed is a member that fell silent.
	Failed State = "failed"
	// Left is a member that said that it goes.
	Left State = "left"
)

// Member is a node as this one sees it.
type Member struct {
	Name string
	// Address is where the member gossips, IP:port.
	Address string
	Meta    Meta
	State   State
	// Since is when this node saw the member in this state first.
	Since time.Time
}

// members is the list that memberlist's events make. It keeps what memberlist
// forgets: who failed, and who left.
type members struct {
	forget  time.Duration
	log     *slog.Logger
	changed chan struct{} // one signal waits

	mu     sync.Mutex
	byName map[string]*entry
}

type entry struct {
	Member
	leaving bool // the member has announced that it leaves
}

var _ memberlist.EventDelegate = (*members)(nil)

func newMembers(forget time.Duration, log *slog.Logger) *members {
	return &members{forget: forget, log: log, changed: make(chan struct{}, 1), byName: make(map[string]*entry)}
}

// NotifyJoin notes that a member is there (again).
func (m *members) NotifyJoin(n *memberlist.Node) { m.note(n, "member joined") }

// NotifyUpdate notes what a member says of itself now.
func (m *members) NotifyUpdate(n *memberlist.Node) { m.note(n, "member changed") }

func (m *members) note(n *memberlist.Node, what string) {
	meta, leaving, err := parseMeta(n.Meta)
	if err != nil { // doorkeeper has let only valid ones in
		m.log.Error("member with bad metadata", "node", n.Name, "error", err)
		return
	}
	m.mu.Lock()
	e := m.byName[n.Name]
	if e == nil || e.State != Alive {
		e = &entry{Member: Member{Name: n.Name, State: Alive, Since: time.Now()}}
		m.byName[n.Name] = e
	}
	e.Address, e.Meta, e.leaving = n.Address(), meta, leaving
	m.mu.Unlock()
	m.log.Info(what, "node", n.Name, "address", n.Address(), "leaving", leaving)
	m.signal()
}

// NotifyLeave notes that a member failed, or left where it had announced that.
func (m *members) NotifyLeave(n *memberlist.Node) {
	m.mu.Lock()
	e := m.byName[n.Name]
	if e == nil {
		m.mu.Unlock()
		return
	}
	e.State, e.Since = Failed, time.Now()
	if e.leaving {
		e.State = Left
	}
	state := e.State
	m.mu.Unlock()
	m.log.Info("member gone", "node", n.Name, "address", n.Address(), "state", string(state))
	m.signal()
}

func (m *members) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// list returns the members sorted by name and forgets those gone for long.
func (m *members) list() []Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.byName, func(_ string, e *entry) bool {
		return e.State != Alive && time.Since(e.Since) > m.forget
	})
	list := make([]Member, 0, len(m.byName))
	for _, e := range m.byName {
		list = append(list, e.Member)
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return list
}

package gossip

import (
	"sync"

	"github.com/hashicorp/memberlist"
)

// local is what memberlist asks of the node itself.
type local struct {
	mu      sync.Mutex
	meta    Meta
	leaving bool
}

var _ memberlist.Delegate = (*local)(nil)

// NodeMeta returns the metadata to spread; it keeps below every limit.
func (l *local) NodeMeta(int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return appendMeta(nil, l.meta, l.leaving)
}

func (l *local) set(m Meta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meta = m
}

func (l *local) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = true
}

// The node has nothing else to spread.

func (l *local) NotifyMsg([]byte)                {}
func (l *local) GetBroadcasts(int, int) [][]byte { return nil }
func (l *local) LocalState(bool) []byte          { return nil }
func (l *local) MergeRemoteState([]byte, bool)   {}

package gossip

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/memberlist"

	"hedgehog/cluster/peer"
)

var (
	// ErrNameTaken is returned when another living node has this node's name.
	ErrNameTaken = errors.New("the node's name is taken")
	// ErrOtherCluster is returned when nodes of two clusters meet.
	ErrOtherCluster = errors.New("the node there is of another cluster")
	// ErrWrongSecret is returned when what a node says cannot be decrypted.
	ErrWrongSecret = errors.New("the node there has another secret")
)

// claim says that this node's name is listed at another address. Whether
// somebody lives there has to be asked.
type claim struct {
	name    string
	address string
}

func (c *claim) Error() string {
	return fmt.Sprintf("the name %s is listed at %s", c.name, c.address)
}

// doorkeeper is asked by memberlist who may come in.
type doorkeeper struct {
	name    string
	address string
	// claims has a signal waiting when another node was seen under this one's name.
	claims chan struct{}

	mu      sync.Mutex
	cluster string // empty while the node is part of none
	vacant  string // an address of this node's name where nobody answered
	refusal error  // the latest of NotifyMerge; memberlist passes on its text only
}

var (
	_ memberlist.AliveDelegate    = (*doorkeeper)(nil)
	_ memberlist.ConflictDelegate = (*doorkeeper)(nil)
	_ memberlist.MergeDelegate    = (*doorkeeper)(nil)
)

func newDoorkeeper(name, address, cluster string) *doorkeeper {
	return &doorkeeper{name: name, address: address, cluster: cluster, claims: make(chan struct{}, 1)}
}

// NotifyMerge is asked before a join, on both sides, with all that the other
// side knows.
func (d *doorkeeper) NotifyMerge(nodes []*memberlist.Node) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusal = d.judge(nodes)
	return d.refusal
}

func (d *doorkeeper) judge(nodes []*memberlist.Node) error {
	var unreadable error
	readable := false
	for _, n := range nodes {
		if n.Name == d.name && n.Address() != d.address && !d.mayTakeOver(n) {
			return &claim{name: d.name, address: n.Address()}
		}
		living := n.State == memberlist.StateAlive || n.State == memberlist.StateSuspect
		if n.Name == d.name || !living {
			continue
		}
		switch err := d.check(n); {
		case errors.Is(err, ErrOtherCluster):
			return err
		case err != nil:
			unreadable = err
		default:
			readable = true
		}
	}
	if !readable {
		return unreadable
	}
	return nil
}

// mayTakeOver tells whether the place under this node's name is free. Somebody
// who merely counts as failed is asked first.
func (d *doorkeeper) mayTakeOver(n *memberlist.Node) bool {
	return n.State == memberlist.StateLeft || n.State == memberlist.StateDead && n.Address() == d.vacant
}

// NotifyAlive is asked before memberlist takes a node for a member.
func (d *doorkeeper) NotifyAlive(n *memberlist.Node) error {
	if n.Name == d.name {
		return nil // news of this node itself, or a claim
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.check(n)
}

func (d *doorkeeper) check(n *memberlist.Node) error {
	if err := peer.CheckName(n.Name); err != nil {
		return fmt.Errorf("%w: %w", ErrMeta, err)
	}
	meta, _, err := parseMeta(n.Meta)
	if err != nil {
		return fmt.Errorf("node %s at %s: %w", n.Name, n.Address(), err)
	}
	if d.cluster != "" && meta.ClusterID != "" && meta.ClusterID != d.cluster {
		return fmt.Errorf("%w: node %s at %s is of %s, this one of %s", ErrOtherCluster, n.Name, n.Address(), meta.ClusterID, d.cluster)
	}
	return nil
}

// NotifyConflict is told of a node at another address than the member's that
// has its name.
func (d *doorkeeper) NotifyConflict(existing, _ *memberlist.Node) {
	if existing.Name != d.name {
		return
	}
	select {
	case d.claims <- struct{}{}:
	default:
	}
}

// foundVacant notes that nobody answers to this node's name at the address.
func (d *doorkeeper) foundVacant(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.vacant = address
}

func (d *doorkeeper) setCluster(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cluster = id
}

func (d *doorkeeper) lastRefusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refusal
}

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

// claim says that this node's name is listed at another address, and not as one
// that left. Whether somebody lives there has to be asked: the member that lists
// it may not have noticed yet that it died, or be wrong in that it did.
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
	cluster string // empty while neither the node nor one it met is part of one
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

// judge lets the nodes in or tells why not. A node of no cluster becomes one of
// theirs by that, as far as the door is concerned.
func (d *doorkeeper) judge(nodes []*memberlist.Node) error {
	cluster := d.cluster
	var unreadable error
	readable := false
	for _, n := range nodes {
		if n.Name == d.name && n.Address() != d.address && n.State != memberlist.StateLeft {
			return &claim{name: d.name, address: n.Address()}
		}
		living := n.State == memberlist.StateAlive || n.State == memberlist.StateSuspect
		if n.Name == d.name || !living {
			continue
		}
		switch id, err := check(n, cluster); {
		case errors.Is(err, ErrOtherCluster):
			return err
		case err != nil:
			unreadable = err
		default:
			readable, cluster = true, id
		}
	}
	if !readable {
		return unreadable
	}
	d.cluster = cluster
	return nil
}

// NotifyAlive is asked before memberlist takes a node for a member.
func (d *doorkeeper) NotifyAlive(n *memberlist.Node) error {
	if n.Name == d.name {
		return nil // news of this node itself, or a claim
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := check(n, d.cluster)
	return err
}

// check refuses a node that cannot be read or is of another cluster. It returns
// the cluster, which the node names where the door knows none yet.
func check(n *memberlist.Node, cluster string) (string, error) {
	if err := peer.CheckName(n.Name); err != nil {
		return cluster, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	meta, _, err := parseMeta(n.Meta)
	if err != nil {
		return cluster, fmt.Errorf("node %s at %s: %w", n.Name, n.Address(), err)
	}
	switch {
	case meta.ClusterID == "":
		return cluster, nil
	case cluster != "" && cluster != meta.ClusterID:
		return cluster, fmt.Errorf("%w: node %s at %s is of %s, this one of %s", ErrOtherCluster, n.Name, n.Address(), meta.ClusterID, cluster)
	}
	return meta.ClusterID, nil
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

// setCluster notes the cluster that the node has become part of.
func (d *doorkeeper) setCluster(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id != "" {
		d.cluster = id
	}
}

func (d *doorkeeper) lastRefusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refusal
}

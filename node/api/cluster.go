package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"hedgehog/exchange"
)

// ClusterStatus is the cluster as the asked node sees it: GET /cluster.
type ClusterStatus struct {
	Node string `json:"node"` // that was asked
	// Leader is the node that leads, empty when none is known.
	Leader string `json:"leader"`
	Term   uint64 `json:"term"`
	// Quorum says that a majority of the voters is there: without it nothing
	// changes and nobody trades.
	Quorum bool          `json:"quorum"`
	Nodes  []ClusterNode `json:"nodes"`
}

// Voters returns how many of the voters are there, and how many there are.
func (s ClusterStatus) Voters() (alive, all int) {
	for _, n := range s.Nodes {
		if n.Role == RoleLeader || n.Role == RoleVoter {
			all++
			if n.State == StateAlive {
				alive++
			}
		}
	}
	return alive, all
}

// StateAlive is the state of a node that is there.
const StateAlive = "alive"

// The roles of a node.
const (
	RoleLeader   = "leader"
	RoleVoter    = "voter"
	RoleNonVoter = "non-voter"
	RoleNone     = "none" // the group does not know it
)

// ClusterNode is one node of the cluster.
type ClusterNode struct {
	Name          string          `json:"name"`
	State         string          `json:"state"` // alive, failed or left
	Role          string          `json:"role"`  // leader, voter, non-voter or none
	Version       string          `json:"version"`
	Zone          string          `json:"zone,omitempty"`
	Weight        int             `json:"weight"`
	Draining      bool            `json:"draining"`
	Address       string          `json:"address"` // of gossip
	Peer          string          `json:"peer"`    // its TLS address
	HTTP          string          `json:"http"`    // its API
	SinceUS       exchange.Micros `json:"since_us"`
	UptimeSeconds int64           `json:"uptime_seconds"`
	ActiveSymbols int             `json:"active_symbols"` // that it owns
}

// ClusterSymbol is who owns a symbol: GET /cluster/symbols.
type ClusterSymbol struct {
	Symbol string `json:"symbol"`
	Node   string `json:"node"` // empty: nobody yet
	Epoch  uint64 `json:"epoch"`
	// SinceUS is when the owner was decided on.
	SinceUS exchange.Micros `json:"since_us"`
	Next    string          `json:"next,omitempty"` // whom it is being handed to
	Pin     string          `json:"pin,omitempty"`
	Weight  int             `json:"weight"`
	// Active is false for a symbol that is not assigned any more.
	Active bool `json:"active"`
}

// AssignRequest asks for symbols to be owned: POST /cluster/assign and, with
// Unassign, the opposite.
type AssignRequest struct {
	// Symbols are names, or patterns with * and ? that stand for those that the
	// exchange lists. All stands for every one of them.
	Symbols []string `json:"symbols,omitempty"`
	All     bool     `json:"all,omitempty"`
	// Node is where they shall go now; empty: wherever there is room.
	Node string `json:"node,omitempty"`
	// Weight is how much work each is; 0 leaves it as it is, 1 where nothing was said.
	Weight int `json:"weight,omitempty"`
	// Unassign takes the symbols from everybody. Their settings stay.
	Unassign bool `json:"unassign,omitempty"`
	// DryRun returns the moves and changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// PinRequest binds symbols to a node: POST /cluster/pin. An empty node unpins.
type PinRequest struct {
	Symbols []string `json:"symbols"`
	Node    string   `json:"node"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// NodeRequest names a node: POST /cluster/drain, /undrain, /remove and
// /transfer-leader (where an empty name leaves the choice to the cluster).
type NodeRequest struct {
	Node   string `json:"node"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// Plan is what a change leads to: the answer to every request above, and to
// POST /cluster/rebalance.
type Plan struct {
	// Symbols are those that the request concerned.
	Symbols []string `json:"symbols,omitempty"`
	// Moves are the symbols that get another owner.
	Moves []Move `json:"moves"`
}

// Move is a symbol's change of owner; From or To is empty for nobody.
type Move struct {
	Symbol string `json:"symbol"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// ClusterEvent is something that happened in the cluster: GET /cluster/events.
type ClusterEvent struct {
	TimeUS exchange.Micros `json:"time_us"`
	Kind   string          `json:"kind"` // leader, member, owner, quorum or change
	Node   string          `json:"node,omitempty"`
	Symbol string          `json:"symbol,omitempty"`
	Text   string          `json:"text"`
}

// Cluster returns the cluster as the node sees it.
func (c *Client) Cluster(ctx context.Context) (s ClusterStatus, err error) {
	return s, c.call(ctx, http.MethodGet, "/cluster", nil, nil, &s)
}

// ClusterSymbols returns who owns what; with all also what is not assigned any more.
func (c *Client) ClusterSymbols(ctx context.Context, all bool) (s []ClusterSymbol, err error) {
	return s, c.call(ctx, http.MethodGet, "/cluster/symbols", url.Values{"all": {strconv.FormatBool(all)}}, nil, &s)
}

// ClusterEvents returns the latest events that the node knows of, oldest first.
func (c *Client) ClusterEvents(ctx context.Context, limit int) (e []ClusterEvent, err error) {
	return e, c.call(ctx, http.MethodGet, "/cluster/events", url.Values{"limit": {strconv.Itoa(limit)}}, nil, &e)
}

// Assign assigns symbols, or unassigns them.
func (c *Client) Assign(ctx context.Context, r AssignRequest) (p Plan, err error) {
	return p, c.call(ctx, http.MethodPost, "/cluster/assign", nil, r, &p)
}

// Pin binds symbols to a node, or to none.
func (c *Client) Pin(ctx context.Context, r PinRequest) (p Plan, err error) {
	return p, c.call(ctx, http.MethodPost, "/cluster/pin", nil, r, &p)
}

// ChangeNode carries out one of drain, undrain, remove and transfer-leader.
func (c *Client) ChangeNode(ctx context.Context, what string, r NodeRequest) (p Plan, err error) {
	return p, c.call(ctx, http.MethodPost, "/cluster/"+what, nil, r, &p)
}

// Rebalance spreads the symbols evenly, which may move many.
func (c *Client) Rebalance(ctx context.Context, dryRun bool) (p Plan, err error) {
	return p, c.call(ctx, http.MethodPost, "/cluster/rebalance", url.Values{"dry_run": {strconv.FormatBool(dryRun)}}, nil, &p)
}

// MissingHeader is the header of an answer that names, separated by commas, the
// nodes that were asked and did not answer.
const MissingHeader = "Hedgehog-Missing"

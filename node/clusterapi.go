package node

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/assign"
	"hedgehog/cluster/consensus"
	"hedgehog/cluster/gossip"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

func (n *Node) getCluster(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, n.clusterStatus())
}

// clusterStatus is the cluster as this node sees it now.
func (n *Node) clusterStatus() api.ClusterStatus {
	state := n.state.Load()
	leader, _ := n.consensus.Leader()
	s := api.ClusterStatus{
		Node: n.config.Name, Leader: leader.Name, Term: n.consensus.Term(), Quorum: n.consensus.HasQuorum(),
	}
	owned := make(map[string]int)
	for _, a := range state.Assignments {
		owned[a.Node]++
	}
	roles := make(map[string]string)
	for _, server := range n.consensus.Servers() {
		roles[server.Name] = serverRole(server, leader.Name)
	}
	now := n.now()
	for _, m := range n.gossip.Members() {
		member := state.Members[m.Name]
		entry := api.ClusterNode{
			Name: m.Name, State: string(m.State), Role: roles[m.Name], Version: m.Meta.Version, Zone: m.Meta.Zone,
			Weight: max(member.Weight, 1), Draining: member.Draining, Address: m.Address, Peer: m.Meta.Peer, HTTP: m.Meta.HTTP,
			SinceUS: exchange.MicrosOf(m.Since), ActiveSymbols: owned[m.Name],
		}
		if entry.Role == "" {
			entry.Role = api.RoleNone
		}
		if m.State == gossip.Alive {
			entry.UptimeSeconds = int64(now.Sub(exchange.Micros(m.Meta.Started).Time()).Seconds())
		}
		s.Nodes = append(s.Nodes, entry)
	}
	return s
}

func serverRole(s consensus.Server, leader string) string {
	switch {
	case s.Name == leader:
		return api.RoleLeader
	case s.Voter:
		return api.RoleVoter
	default:
		return api.RoleNonVoter
	}
}

func (n *Node) getClusterSymbols(w http.ResponseWriter, r *http.Request) error {
	all, err := boolParam(r, "all")
	if err != nil {
		return err
	}
	return answer(w, clusterSymbols(n.state.Load(), all))
}

// clusterSymbols says who owns what; with all also what is not assigned any more.
func clusterSymbols(state *cluster.State, all bool) []api.ClusterSymbol {
	symbols := []api.ClusterSymbol{}
	for _, name := range slices.Sorted(maps.Keys(state.Symbols)) {
		s, a := state.Symbols[name], state.Assignments[name]
		if !s.Assigned && a.Node == "" && !all {
			continue
		}
		symbols = append(symbols, api.ClusterSymbol{
			Symbol: name, Node: a.Node, Epoch: a.Epoch, SinceUS: sinceOf(a), Next: a.Next, Pin: s.Pin,
			Weight: max(s.Weight, 1), Active: s.Assigned,
		})
	}
	return symbols
}

func sinceOf(a cluster.Assignment) exchange.Micros {
	if a.Since.IsZero() {
		return 0
	}
	return exchange.MicrosOf(a.Since)
}

func (n *Node) getClusterEvents(w http.ResponseWriter, r *http.Request) error {
	limit, err := intParam(r, "limit", 100, 1, historyLength)
	if err != nil {
		return err
	}
	return answer(w, n.history.latest(limit))
}

func (n *Node) postAssign(w http.ResponseWriter, r *http.Request) error {
	var request api.AssignRequest
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	if request.Weight < 0 || request.Weight > assign.MaxWeight {
		return badRequest("weight %d: want 1 to %d, or 0 to leave it", request.Weight, assign.MaxWeight)
	}
	names, err := n.namedSymbols(r.Context(), request.Symbols, request.All)
	if err != nil {
		return err
	}
	if err := n.checkTarget(request.Node); err != nil {
		return err
	}
	planned := n.clone()
	for _, name := range names {
		s := planned.Symbols[name]
		s.Name, s.Assigned = name, !request.Unassign
		if request.Weight > 0 {
			s.Weight = request.Weight
		}
		planned.Symbols[name] = s
		if request.Node != "" {
			a := planned.Assignments[name]
			a.Symbol, a.Node = name, request.Node
			planned.Assignments[name] = a
		}
	}
	if request.DryRun {
		return answer(w, n.plan(planned, names))
	}
	ctx, cancel := n.carryThrough(r.Context())
	defer cancel()
	if _, err := n.propose(ctx, storage.Command{Assigned: &storage.AssignedChange{
		Symbols: names, Assigned: !request.Unassign, Weight: request.Weight,
	}}); err != nil {
		return err
	}
	if request.Node != "" {
		if err := n.handTo(ctx, names, request.Node); err != nil {
			return err
		}
	}
	return answer(w, n.plan(planned, names))
}

// handTo commits that the symbols go to the node next, wherever they are now.
func (n *Node) handTo(ctx context.Context, names []string, node string) error {
	state := n.state.Load()
	var run int64
	for _, p := range n.peers() {
		if p.Name == node {
			run = p.Run
		}
	}
	var changes []storage.Assignment
	for _, name := range names {
		a := state.Assignments[name]
		switch {
		case a.Node == node:
		case a.Node == "":
			changes = append(changes, storage.Assignment{Symbol: name, Node: node, Run: run, Epoch: int64(a.Epoch) + 1, Since: n.micros()})
		default:
			changes = append(changes, storage.Assignment{
				Symbol: name, Node: a.Node, Run: a.Run, Epoch: int64(a.Epoch), Since: sinceOf(a), Next: node,
			})
		}
	}
	for batch := range slices.Chunk(changes, assignmentsPerCommand) {
		if _, err := n.propose(ctx, storage.Command{Assign: batch}); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) postPin(w http.ResponseWriter, r *http.Request) error {
	var request api.PinRequest
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	names, err := n.namedSymbols(r.Context(), request.Symbols, false)
	if err != nil {
		return err
	}
	if err := n.checkTarget(request.Node); err != nil {
		return err
	}
	planned := n.clone()
	for _, name := range names {
		s := planned.Symbols[name]
		s.Name, s.Pin = name, request.Node
		planned.Symbols[name] = s
	}
	if !request.DryRun {
		ctx, cancel := n.carryThrough(r.Context())
		defer cancel()
		for _, name := range names {
			if _, err := n.propose(ctx, storage.Command{Pin: &storage.PinChange{Symbol: name, Node: request.Node}}); err != nil {
				return err
			}
		}
	}
	return answer(w, n.plan(planned, names))
}

func (n *Node) postDrain(draining bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var request api.NodeRequest
		if err := readBody(w, r, &request, maxBody); err != nil {
			return err
		}
		planned := n.clone()
		m, ok := planned.Members[request.Node]
		if !ok {
			return n.unknownNode(request.Node)
		}
		m.Draining = draining
		planned.Members[request.Node] = m
		if !request.DryRun {
			err := n.changeMember(r.Context(), storage.MemberChange{Name: request.Node, Draining: &draining})
			if err != nil {
				return err
			}
		}
		return answer(w, n.plan(planned, nil))
	}
}

func (n *Node) postRemove(w http.ResponseWriter, r *http.Request) error {
	var request api.NodeRequest
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	planned := n.clone()
	if _, ok := planned.Members[request.Node]; !ok {
		return n.unknownNode(request.Node)
	}
	if len(planned.Members) == 1 {
		return fmt.Errorf("%w: %s is the last member", errConflict, request.Node)
	}
	for _, m := range n.gossip.Members() {
		if m.Name == request.Node && m.State == gossip.Alive {
			return fmt.Errorf("%w: %s is alive: stop it first, or drain it to move its symbols away", errConflict, request.Node)
		}
	}
	delete(planned.Members, request.Node)
	if !request.DryRun {
		if err := n.changeMember(r.Context(), storage.MemberChange{Name: request.Node, Remove: true}); err != nil {
			return err
		}
	}
	return answer(w, n.plan(planned, nil))
}

func (n *Node) changeMember(ctx context.Context, change storage.MemberChange) error {
	ctx, cancel := n.carryThrough(ctx)
	defer cancel()
	_, err := n.propose(ctx, storage.Command{Member: &change})
	return err
}

func (n *Node) postTransferLeader(w http.ResponseWriter, r *http.Request) error {
	var request api.NodeRequest
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	if request.Node != "" {
		if err := n.checkTarget(request.Node); err != nil {
			return err
		}
	}
	leader, ok := n.consensus.Leader()
	switch {
	case !ok:
		return fmt.Errorf("%w: %w", errNotReady, errNoLeader)
	case request.DryRun:
	case leader.Name == n.config.Name:
		ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
		defer cancel()
		if err := n.consensus.TransferLeadership(ctx, request.Node); err != nil {
			return fmt.Errorf("%w: %w", errConflict, err)
		}
	default:
		var plan api.Plan
		if err := n.calls.post(r.Context(), leader.Name, "/api/v1/cluster/transfer-leader", request, &plan); err != nil {
			return err
		}
	}
	return answer(w, api.Plan{Moves: []api.Move{}})
}

// postRebalance spreads all symbols anew, as if nobody owned them yet.
func (n *Node) postRebalance(w http.ResponseWriter, r *http.Request) error {
	dryRun, err := boolParam(r, "dry_run")
	if err != nil {
		return err
	}
	fresh := n.clone()
	fresh.Assignments = make(map[string]cluster.Assignment)
	target := cluster.Plan(fresh, n.peers())
	state := n.state.Load()
	plan := api.Plan{Moves: movesTo(state, target)}
	if dryRun {
		return answer(w, plan)
	}
	ctx, cancel := n.carryThrough(r.Context())
	defer cancel()
	byNode := make(map[string][]string)
	for _, m := range plan.Moves {
		byNode[m.To] = append(byNode[m.To], m.Symbol)
	}
	for _, node := range slices.Sorted(maps.Keys(byNode)) {
		if err := n.handTo(ctx, byNode[node], node); err != nil {
			return err
		}
	}
	return answer(w, plan)
}

// plan returns the moves that follow from a state that is to be, for the named
// symbols or for all.
func (n *Node) plan(planned *cluster.State, names []string) api.Plan {
	return api.Plan{Symbols: names, Moves: movesTo(n.state.Load(), cluster.Plan(planned, n.peers()))}
}

func movesTo(state *cluster.State, target map[string]string) []api.Move {
	current := make(map[string]string)
	for symbol, a := range state.Assignments {
		if a.Node != "" {
			current[symbol] = a.Node
		}
	}
	moves := []api.Move{}
	for _, m := range assign.Moves(current, target) {
		moves = append(moves, api.Move(m))
	}
	return moves
}

// clone returns a copy of the state that may be changed.
func (n *Node) clone() *cluster.State {
	s := n.state.Load()
	return &cluster.State{
		Index: s.Index, Members: maps.Clone(s.Members), Symbols: maps.Clone(s.Symbols), Assignments: maps.Clone(s.Assignments),
	}
}

// namedSymbols returns the symbols that names and patterns stand for, sorted.
func (n *Node) namedSymbols(ctx context.Context, patterns []string, all bool) ([]string, error) {
	if all {
		patterns = []string{"*"}
	}
	if len(patterns) == 0 {
		return nil, badRequest("no symbols: name some, or all")
	}
	settings, err := n.store.db.AllSettings(ctx)
	if err != nil {
		return nil, err
	}
	named := make(map[string]bool)
	for _, pattern := range patterns {
		found := false
		for _, s := range settings {
			match, err := path.Match(pattern, s.Symbol)
			if err != nil {
				return nil, badRequest("pattern %q: %v", pattern, err)
			}
			if match {
				named[s.Symbol], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: nothing that the exchange lists is called %q", exchange.ErrUnknownSymbol, pattern)
		}
	}
	return slices.Sorted(maps.Keys(named)), nil
}

// checkTarget refuses a node that can't take symbols.
func (n *Node) checkTarget(node string) error {
	if node == "" {
		return nil
	}
	m, ok := n.state.Load().Members[node]
	if !ok {
		return n.unknownNode(node)
	}
	if m.Draining {
		return fmt.Errorf("%w: %s is being drained: undrain it first", errConflict, node)
	}
	return nil
}

func (n *Node) unknownNode(node string) error {
	names := slices.Sorted(maps.Keys(n.state.Load().Members))
	return fmt.Errorf("%w: %q is not one of %v", storage.ErrUnknownNode, node, names)
}

// queryTimeout is how long other nodes have to answer a query.
const queryTimeout = 2 * time.Second

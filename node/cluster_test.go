package node_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/cluster/peer"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node"
	"hedgehog/node/api"
)

// busyMarket serves an exchange with several symbols whose prices walk.
func busyMarket(t *testing.T, symbols ...string) *market {
	t.Helper()
	var rules []exchange.Symbol
	for _, name := range symbols {
		s, err := sim.SymbolFor(name)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, s)
	}
	m := openMarket(t, sim.DefaultConfig(sim.InfoFor(rules)))
	config := sim.DefaultWalk(symbols)
	config.PerSecond = 20
	walk, err := sim.NewWalk(config, m.engine)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- walk.Run(ctx) }()
	t.Cleanup(func() { <-ended }) // t.Context has ended by now
	return m
}

// team is a cluster under test.
type team struct {
	t       *testing.T
	market  *market
	secret  peer.Secret
	dirs    map[string]string
	members map[string]*running
}

func newTeam(t *testing.T, m *market, names ...string) *team {
	t.Helper()
	secret, err := peer.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	c := &team{t: t, market: m, secret: secret, dirs: make(map[string]string), members: make(map[string]*running)}
	for _, name := range names {
		c.dirs[name] = t.TempDir()
		c.start(name)
	}
	c.waitForNodes(len(names))
	return c
}

// start runs a node that joins whoever runs already.
func (c *team) start(name string) {
	c.t.Helper()
	c.members[name] = startNode(c.t, func(config *node.Config) {
		config.Name, config.DataDir, config.Exchange, config.Secret = name, c.dirs[name], c.market.url, c.secret
		for other, r := range c.members {
			if other != name {
				config.Join = append(config.Join, r.node.Gossip())
			}
		}
	})
}

func (c *team) stop(name string) {
	c.t.Helper()
	r := c.members[name]
	delete(c.members, name)
	if err := r.stop(); err != nil {
		c.t.Fatalf("stop %s: %v", name, err)
	}
}

// any returns one of the running nodes.
func (c *team) any() *running {
	for _, r := range c.members {
		return r
	}
	c.t.Fatal("nobody runs")
	return nil
}

// waitForNodes waits until every node sees so many living ones that Raft counts
// on, with a leader.
func (c *team) waitForNodes(count int) {
	c.t.Helper()
	for name, r := range c.members {
		waitFor(c.t, fmt.Sprintf("%s to see %d nodes", name, count), func() (api.ClusterStatus, bool) {
			s, err := r.Cluster(c.t.Context())
			in := 0
			for _, n := range s.Nodes {
				if n.State == "alive" && n.Role != "none" {
					in++
				}
			}
			return s, err == nil && s.Leader != "" && s.Quorum && in == count
		})
	}
}

// owners returns who owns what.
func (c *team) owners() map[string]string {
	c.t.Helper()
	symbols, err := c.any().ClusterSymbols(c.t.Context(), false)
	if err != nil {
		c.t.Fatal(err)
	}
	owners := make(map[string]string)
	for _, s := range symbols {
		owners[s.Symbol] = s.Node
	}
	return owners
}

// waitForTrading waits until each symbol is owned by a running node, whose trader
// has positions.
func (c *team) waitForTrading(symbols ...string) {
	c.t.Helper()
	for _, symbol := range symbols {
		waitFor(c.t, symbol+" to be traded", func() (api.SymbolStatus, bool) {
			status, err := c.any().Status(c.t.Context())
			if err != nil {
				return api.SymbolStatus{}, false
			}
			for _, s := range status.Symbols {
				if s.Symbol == symbol {
					_, runs := c.members[s.Node]
					return s, runs && s.OpenPositions > 0 && s.StreamConnected
				}
			}
			return api.SymbolStatus{}, false
		})
	}
}

func (c *team) tradeAll(symbols ...string) {
	c.t.Helper()
	for _, symbol := range symbols {
		change := everything()
		change.BuyDownInterval, change.ProfitTarget = ptr(decimal.New(5, -4)), ptr(decimal.New(1, -3))
		c.any().must(c.t, symbol, change)
	}
	c.waitForTrading(symbols...)
}

var teamSymbols = []string{"BTCUSDT", "ETHUSDT", "XRPUSDT", "LTCUSDT", "BNBUSDT", "SOLUSDT"}

func TestSymbolsAreSpreadAndMoveWhenANodeLeaves(t *testing.T) {
	c := newTeam(t, busyMarket(t, teamSymbols...), "n1", "n2", "n3")
	c.tradeAll(teamSymbols...)
	load := make(map[string]int)
	for _, node := range c.owners() {
		load[node]++
	}
	if len(load) != 3 || slices.Max([]int{load["n1"], load["n2"], load["n3"]}) > 3 {
		t.Errorf("load %v, want six symbols over three nodes", load)
	}
	before := c.owners()
	c.stop("n2")
	c.waitForTrading(teamSymbols...)
	for symbol, node := range c.owners() {
		if before[symbol] != "n2" && before[symbol] != node {
			t.Errorf("%s moved from %s to %s, though its owner stayed", symbol, before[symbol], node)
		}
	}
	c.start("n2")
	c.waitForNodes(3)
}

func TestAnyNodeTellsHowLongTheOwnersLeaseLasts(t *testing.T) {
	c := newTeam(t, busyMarket(t, teamSymbols...), "n1", "n2")
	c.tradeAll("XRPUSDT")
	for name, r := range c.members {
		// A status may be taken while the lease is on its way.
		waitFor(t, "a lease in the status of "+name, func() (api.Status, bool) {
			s, err := r.Status(t.Context())
			return s, err == nil && len(s.Symbols) == 1 && s.Symbols[0].LeaseMS > 0 && s.Symbols[0].LeaseMS <= 60_000
		})
	}
	if _, err := c.any().Assign(t.Context(), api.AssignRequest{Symbols: []string{"XRPUSDT"}, Unassign: true}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "no lease without an owner", func() (api.Status, bool) {
		s, err := c.any().Status(t.Context())
		return s, err == nil && len(s.Symbols) == 1 && s.Symbols[0].Node == "" && s.Symbols[0].LeaseMS == 0
	})
}

func TestADrainedNodeHandsOverWithoutAHole(t *testing.T) {
	c := newTeam(t, busyMarket(t, teamSymbols...), "n1", "n2", "n3")
	c.tradeAll(teamSymbols...)
	if _, err := c.any().ChangeNode(t.Context(), "drain", api.NodeRequest{Node: "n3"}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "n3 to own nothing", func() (map[string]string, bool) {
		owners := c.owners()
		for _, node := range owners {
			if node == "n3" || node == "" {
				return owners, false
			}
		}
		return owners, len(owners) == len(teamSymbols)
	})
	c.waitForTrading(teamSymbols...)
	if _, err := c.any().Pin(t.Context(), api.PinRequest{Symbols: []string{"XRPUSDT"}, Node: "n3"}); status(t, err) != 409 {
		t.Errorf("a pin to a drained node: %v, want a conflict", err)
	}
}

func TestAWatcherSeesASymbolThatAnotherNodeOwns(t *testing.T) {
	c := newTeam(t, busyMarket(t, teamSymbols...), "n1", "n2", "n3")
	c.tradeAll("XRPUSDT")
	owner := c.owners()["XRPUSDT"]
	for name, r := range c.members {
		if name == owner {
			continue
		}
		seen := 0
		enough := fmt.Errorf("seen enough")
		err := r.Watch(t.Context(), "TRADE_EVENTS:XRPUSDT", func([]byte) error {
			if seen++; seen == 5 {
				return enough
			}
			return nil
		})
		if err != enough {
			t.Errorf("%s: watch ended with %v after %d trades", name, err, seen)
		}
	}
}

func TestANodeGetsNoLeaseInTheNameOfAnother(t *testing.T) {
	c := newTeam(t, quietMarket(t), "n1")
	id, err := peer.NewIdentity(c.secret, "n2", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	port, err := peer.Listen(t.Context(), "127.0.0.1:0", id, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	status, err := c.members["n1"].Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return port.Dial(ctx, peer.Call, status.Nodes[0].Peer, "n1")
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://n1/renew", strings.NewReader(`{"node":"n1","run":1}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", answer.StatusCode)
	}
}

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hedgehog/node/api"
)

// cluster is a simulated exchange and nodes that trade there together, each a
// process of its own.
type cluster struct {
	t       testing.TB
	dir     string // of everything
	journal string
	market  market
	symbols []string
	// exchange is where the nodes find the market.
	exchange string
	profile  string             // of all nodes
	members  map[string]*member // that were ever started, by name
	tap      *wiretap           // between the nodes; nil for none
	// house finds a place for a new node; nil: an address of this machine.
	house func(*member)
	court court
}

// member is a node of the cluster.
type member struct {
	peer
	name, dir, bind string
	reached         string // where others join it
	http            string // the address of its API, as the node has it
	front           string // the URL at which the test reaches the API; empty: the node's
	at              place
	ahead           time.Duration // of the true time, by the node's clock
	down            bool          // killed, stopped or paused
	failing         bool          // may end by itself
}

// openMarket starts an exchange on which the prices of the symbols walk. more are
// arguments of the exchange.
func openMarket(t testing.TB, symbols []string, more ...string) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{
		t: t, dir: dir, journal: filepath.Join(dir, "journal.jsonl"), symbols: symbols, profile: "local",
		members: make(map[string]*member),
	}
	// All nodes share this machine's address, and with that its limits.
	c.market = launchExchange(t, append([]string{"--listen", "127.0.0.1:0", "--journal", c.journal, "--rate", "10",
		"--commission", commission, "--weight-limit", "1000000", "--order-limit", "100000",
		"--symbols", strings.Join(symbols, ",")}, more...)...)
	c.exchange = c.market.url
	c.openCourt(c.market.url)
	must(t, "cluster", "keygen", "--out", c.secret())
	return c
}

func (c *cluster) secret() string { return filepath.Join(c.dir, "secret") }

// found starts nodes as one cluster.
func (c *cluster) found(names ...string) {
	c.t.Helper()
	for i, name := range names {
		c.start(name)
		if i == 0 { // it has to be there before others can join it
			must(c.t, "status", "--wait", "20s", "--node", c.members[name].url)
		}
	}
	c.together(len(names))
}

// start starts a node, anew with its old data and address where it ran before.
func (c *cluster) start(name string) {
	c.t.Helper()
	m := c.members[name]
	if m == nil {
		m = &member{name: name, dir: filepath.Join(c.dir, name), http: "127.0.0.1:0"}
		if c.house != nil {
			c.house(m)
		} else {
			m.bind = freeAddress(c.t)
		}
		m.reached = m.bind
		if c.tap != nil {
			m.reached = c.tap.before(m.bind)
		}
	}
	args := []string{"node", "--name", name, "--data-dir", m.dir, "--exchange", c.exchange, "--http", m.http,
		"--bind", m.bind, "--advertise", m.reached, "--secret-file", c.secret(), "--profile", c.profile}
	for _, other := range c.members {
		if other != m {
			args = append(args, "--join", other.reached)
		}
	}
	at := m.at
	if m.ahead != 0 {
		at.env = append(at.env, "HEDGEHOG_TEST_CLOCK="+m.ahead.String())
	}
	d := launchAt(c.t, at, args...)
	url := d.await("node started")["http"].(string)
	if m.front != "" {
		url = m.front
	}
	client, err := api.NewClient(url)
	if err != nil {
		c.t.Fatal(err)
	}
	m.peer, m.down = peer{d, url, client}, false
	c.members[name] = m
}

// freeAddress returns a loopback address whose port and the next one up are free.
// They are from below those that a system gives to outgoing connections, so that
// a node that is down finds its own free again.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := 20_000 + 2*rand.IntN(5_000)
		if free(t, port) && free(t, port+1) {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		}
	}
	t.Fatal("no two free ports in a row")
	return ""
}

func free(t testing.TB, port int) bool {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	var config net.ListenConfig
	stream, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := config.ListenPacket(t.Context(), "udp", address)
	if err != nil {
		return false
	}
	defer packets.Close()
	return true
}

// running returns the nodes that run, by name.
func (c *cluster) running() []*member {
	var up []*member
	for _, name := range slices.Sorted(maps.Keys(c.members)) {
		if m := c.members[name]; !m.down {
			up = append(up, m)
		}
	}
	return up
}

// others returns the names of the nodes that run but for one.
func (c *cluster) others(than string) []string {
	var names []string
	for _, m := range c.running() {
		if m.name != than {
			names = append(names, m.name)
		}
	}
	return names
}

// any returns a node that runs.
func (c *cluster) any() *member { return c.running()[0] }

// command runs a command against a node that runs; it has to succeed.
func (c *cluster) command(args ...string) string {
	c.t.Helper()
	o := run(c.t, append(args, "--node", c.any().url)...)
	if o.code != 0 {
		c.t.Fatalf("hedgehog %s: exit code %d, errors %q", strings.Join(args, " "), o.code, o.stderr)
	}
	return o.stdout
}

// together waits until every running node sees so many living members of the
// group, and a leader.
func (c *cluster) together(count int) {
	c.t.Helper()
	for _, m := range c.running() {
		eventuallyEvery(c.t, 50*time.Millisecond, fmt.Sprintf("%s to see %d nodes", m.name, count), func() bool {
			s, err := m.client.Cluster(c.t.Context())
			if err != nil || !s.Quorum || s.Leader == "" {
				return false
			}
			in := 0
			for _, n := range s.Nodes {
				if n.State == "alive" && n.Role != "none" {
					in++
				}
			}
			return in == count
		})
	}
}

// leader returns the node that leads.
func (c *cluster) leader() string {
	c.t.Helper()
	var leader string
	eventuallyEvery(c.t, 50*time.Millisecond, "a leader", func() bool {
		s, err := c.any().client.Cluster(c.t.Context())
		leader = s.Leader
		return err == nil && s.Quorum && leader != "" && !c.members[leader].down
	})
	return leader
}

// clusterStatus returns what the command says of the cluster.
func clusterStatus(t testing.TB, m *member) (s api.ClusterStatus) {
	t.Helper()
	if err := json.Unmarshal([]byte(must(t, "cluster", "status", "--json", "--node", m.url)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// owners returns who owns each symbol; empty where nobody does or it is on its
// way to another. The leader is asked: others may lag behind.
func (c *cluster) owners() map[string]string {
	c.t.Helper()
	symbols, err := c.members[c.leader()].client.ClusterSymbols(c.t.Context(), false)
	if err != nil {
		c.t.Fatal(err)
	}
	owners := make(map[string]string)
	for _, s := range symbols {
		owners[s.Symbol] = s.Node
		if s.Next != "" {
			owners[s.Symbol] = ""
		}
	}
	return owners
}

// of returns the symbols of a node.
func of(owners map[string]string, node string) []string {
	var symbols []string
	for symbol, owner := range owners {
		if owner == node {
			symbols = append(symbols, symbol)
		}
	}
	slices.Sort(symbols)
	return symbols
}

// trade switches everything on for all symbols and waits until they are traded.
func (c *cluster) trade() {
	c.t.Helper()
	for _, s := range c.symbols {
		c.command("trade", "settings", s, "--budget", "1000", "--profit-target", "0.001", "--buy-down-interval", "0.0005")
	}
	for _, part := range []string{"collect", "aggregate", "trade", "stream"} {
		c.command(append([]string{part, "start"}, c.symbols...)...)
	}
	c.command(append([]string{"cluster", "assign", "--wait"}, c.symbols...)...)
	c.traded(c.symbols...)
}

// traded waits until each symbol is owned by a node that runs, whose trader holds
// positions and goes on seeing trades.
func (c *cluster) traded(symbols ...string) {
	c.t.Helper()
	last := make(map[string]int64)
	eventuallyEvery(c.t, 50*time.Millisecond, fmt.Sprintf("%v to be traded", symbols), func() bool {
		status, err := c.any().client.Status(c.t.Context())
		if err != nil {
			return false
		}
		going := 0
		for _, s := range status.Symbols {
			owner := c.members[s.Node]
			if !slices.Contains(symbols, s.Symbol) || owner == nil || owner.down || s.OpenPositions == 0 || !s.StreamConnected {
				continue
			}
			if last[s.Symbol] == 0 {
				last[s.Symbol] = s.LastTradeID
			}
			if s.LastTradeID > last[s.Symbol] || c.overAt(s) {
				going++
			}
		}
		return going == len(symbols)
	})
}

// overAt says whether the symbol's recorded trades are over.
func (c *cluster) overAt(s api.SymbolStatus) bool {
	return s.Symbol == symbol && s.LastTradeID >= dayLastID
}

// kill ends a node as a power cut would.
func (c *cluster) kill(name string) {
	c.t.Helper()
	c.listen()
	c.members[name].down = true
	c.members[name].peer.kill()
}

// pause stops a node without its notice until resume.
func (c *cluster) pause(name string) {
	c.t.Helper()
	c.listen()
	c.members[name].down = true
	c.signal(name, syscall.SIGSTOP)
}

func (c *cluster) resume(name string) {
	c.t.Helper()
	c.signal(name, syscall.SIGCONT)
	c.members[name].down = false
}

// stop ends a node in order.
func (c *cluster) stop(name string) {
	c.t.Helper()
	c.listen()
	c.members[name].down = true
	if c.profile == "local" {
		c.members[name].end(syscall.SIGTERM)
		return
	}
	// The other profiles leave a farewell more time than end has.
	c.signal(name, syscall.SIGTERM)
	if code := c.members[name].exit(); code != 0 {
		c.t.Errorf("exit code %d of %s, want 0", code, name)
	}
}

func (c *cluster) signal(name string, signal os.Signal) {
	c.t.Helper()
	if err := c.members[name].command.Process.Signal(signal); err != nil {
		c.t.Fatal(err)
	}
}

// finish ends the nodes, then the exchange, and judges what they left.
func (c *cluster) finish() {
	c.t.Helper()
	eventuallyEvery(c.t, 100*time.Millisecond, "a full cycle", func() bool {
		c.hear()
		return c.court.Counts().Cycles > 0
	})
	c.judgeOrders()
	for _, m := range c.running() {
		c.stop(m.name)
	}
	c.judgeBalances()
	c.market.end(syscall.SIGTERM)
	c.judgeTrades()
	judgeAmount(c.t, c.court.Counts())
}

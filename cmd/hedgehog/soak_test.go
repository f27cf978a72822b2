//go:build linux

package main_test

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hedgehog/node/api"
)

var (
	soakTime  = flag.Duration("soak", 0, "how long TestSoak runs; 0: it is skipped")
	soakNodes = flag.Int("nodes", 3, "how many nodes TestSoak has: 3 or 5")
	soakSeed  = flag.Uint64("seed", 1, "what the faults of TestSoak are drawn from")
)

// The fault runner: a cluster whose machines are network namespaces trades while
// faults drawn from a seed befall it. Each round is a storm of faults that
// overlap, then the calm in which the cluster has to come to rest, and then, in
// the calm, one more kill -9, whose failover is measured. What the exchange and
// the nodes have written is judged in the end.
func TestSoak(t *testing.T) {
	if *soakTime == 0 {
		t.Skip("make soak and make faults run it")
	}
	if *soakNodes != 3 && *soakNodes != 5 {
		t.Fatalf("-nodes %d: want 3 or 5", *soakNodes)
	}
	needNamespaces(t)
	s := newSoak(t, *soakNodes, *soakSeed)
	s.begin()
	until := time.Now().Add(*soakTime)
	for time.Now().Before(until) {
		s.weather(s.forecast.storm())
		s.calm()
		s.failover()
	}
	s.finish()
}

// soak is a run of the fault runner.
type soak struct {
	t        *testing.T
	c        *cluster
	lan      *lan
	names    []string // of the nodes, by number
	seed     uint64
	forecast *forecast
	operator *operator
	market   place // of the exchange
	args     []string
	began    time.Time
	disk     string // the directory of the node with the small disk
	report
}

const (
	// calmWithin is how soon after a storm all symbols have to be traded again.
	calmWithin      = 15 * time.Second
	exchangeMachine = "exchange"
	// lanBase is what the addresses of all machines begin with.
	lanBase = "10.87.0."
	// smallDiskBytes holds what a node stores in an hour.
	smallDiskBytes = 192 << 20
)

// newSoak sets up the network, with nothing in it.
func newSoak(t *testing.T, nodes int, seed uint64) *soak {
	t.Helper()
	dir, err := os.MkdirTemp("", "hedgehog-soak-")
	if err != nil {
		t.Fatal(err)
	}
	symbols := walking
	if nodes > 3 {
		symbols = tenSymbols
	}
	s := &soak{
		t: t, lan: newLAN(t, seed), seed: seed, forecast: newForecast(seed, nodes), began: time.Now(),
		disk:   filepath.Join(dir, fmt.Sprint("n", nodes)),
		report: report{faults: make(map[faultKind]int), samples: make(map[string][]sample)},
		c: &cluster{
			t: t, dir: dir, journal: filepath.Join(dir, "journal.jsonl"), symbols: symbols, profile: "local",
			members: make(map[string]*member),
		},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("data, logs and journal are in %s; the same faults again: make soak MINUTES=%d NODES=%d SEED=%d",
				dir, int((*soakTime+time.Minute-1)/time.Minute), nodes, seed)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for n := range nodes {
		s.names = append(s.names, fmt.Sprint("n", n+1))
	}
	smallDisk(t, s.disk, named("disk"), smallDiskBytes)
	s.c.house = s.house
	return s
}

// house gives a node a machine of its own.
func (s *soak) house(m *member) {
	s.t.Helper()
	address := lanBase + strings.TrimPrefix(m.name, "n")
	namespace := s.lan.plug(m.name, netip.MustParseAddr(address))
	m.bind, m.http = address+":7946", "127.0.0.1:8080"
	m.front = "http://" + s.lan.front(namespace, m.http)
	m.at = place{start: startWithin(namespace), log: s.logFile(m.name)}
}

// logFile returns the file that a machine's processes log to.
func (s *soak) logFile(name string) io.Writer {
	s.t.Helper()
	f, err := os.Create(filepath.Join(s.c.dir, name+".log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	return f
}

// begin starts the exchange and the nodes, and has all symbols traded.
func (s *soak) begin() {
	s.t.Helper()
	const at = lanBase + "100"
	namespace := s.lan.plug(exchangeMachine, netip.MustParseAddr(at))
	s.market = place{start: startWithin(namespace), log: s.logFile(exchangeMachine)}
	s.args = []string{"exchange", "--listen", at + ":9090", "--journal", s.c.journal, "--data-dir", filepath.Join(s.c.dir, exchangeMachine),
		"--seed", fmt.Sprint(s.seed), "--rate", "25", "--commission", commission, "--symbols", strings.Join(s.c.symbols, ",")}
	s.openExchange()
	s.c.exchange = s.c.market.url
	s.c.openCourt("http://" + s.lan.front(namespace, at+":9090"))
	must(s.t, "cluster", "keygen", "--out", s.c.secret())
	s.c.found(s.names...)
	s.c.trade()
	s.operator = newOperator(s)
	s.look()
}

func (s *soak) openExchange() {
	s.t.Helper()
	d := launchAt(s.t, s.market, s.args...)
	s.c.market = market{d, d.await("simulated exchange listening")["url"].(string)}
}

// calm waits until the cluster has come to rest after a storm.
func (s *soak) calm() {
	s.t.Helper()
	since := time.Now()
	s.c.together(len(s.names))
	s.operator.tidy()
	s.c.traded(s.c.symbols...)
	eventuallyEvery(s.t, 50*time.Millisecond, "traders that are not hindered", func() bool {
		status, err := s.c.any().client.Status(s.t.Context())
		return err == nil && !slices.ContainsFunc(status.Symbols, func(s api.SymbolStatus) bool { return s.TradingError != "" })
	})
	took := time.Since(since)
	if took > calmWithin {
		s.t.Errorf("it took %s until all symbols were traded after a storm, want at most %s", took, calmWithin)
	}
	s.recoveries = append(s.recoveries, took)
	for _, symbol := range s.c.symbols {
		s.c.adopted(symbol)
	}
	// A drain or pin that nobody answered may come true even now: a node that was
	// paused goes on with what it had been asked for.
	eventuallyEvery(s.t, 200*time.Millisecond, "all nodes to have their share", func() bool {
		if even(s.c.owners(), len(s.names)) {
			return true
		}
		s.operator.tidy()
		return false
	})
	s.look()
}

// failover kills a node while all else is well, the leader and followers by
// turns, and measures how long its symbols are without a trader.
func (s *soak) failover() {
	s.t.Helper()
	c := s.c
	name, took := s.leader(), &s.leaders
	if len(s.leaders) > len(s.followers) {
		took = &s.followers
		others := slices.DeleteFunc(slices.Clone(s.names[1:]), func(other string) bool { return other == name })
		name = others[len(s.followers)%len(others)]
	}
	theirs := of(c.settled(len(s.names)), name)
	c.traded(c.symbols...)
	since := time.Now()
	c.kill(name)
	*took = append(*took, c.restored(theirs, since))
	s.faults[killed]++
	c.start(name)
	since = time.Now()
	c.together(len(s.names))
	c.settled(len(s.names))
	c.traded(c.symbols...)
	s.returns = append(s.returns, time.Since(since))
}

// leader returns who leads. The first node, which is never ended, hands that over.
func (s *soak) leader() string {
	s.t.Helper()
	var name string
	eventuallyEvery(s.t, 200*time.Millisecond, "a leader that may be killed", func() bool {
		if name = s.c.leader(); name != s.names[0] {
			return true
		}
		// It may just have lost the lead; the next try sees that.
		_, _ = s.c.any().client.ChangeNode(s.t.Context(), "transfer-leader", api.NodeRequest{Node: s.names[1]})
		return false
	})
	return name
}

// finish ends all processes, judges what they left and prints the table.
func (s *soak) finish() {
	s.t.Helper()
	s.calm()
	s.c.finish()
	s.operator.judge()
	s.judgeResources()
	s.judgeFailovers()
	s.print()
}

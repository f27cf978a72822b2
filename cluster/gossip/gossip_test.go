package gossip_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/gossip"
	"hedgehog/cluster/peer"
)

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

var secret = func() peer.Secret { // of all tests
	s := peer.Secret{}
	copy(s[:], "the secret of the gossip's tests")
	return s
}()

// newConfig is that of a node on loopback, quicker than usual in finding what is
// lost.
func newConfig(name string) gossip.Config {
	timing := gossip.LocalTiming()
	timing.PushPull, timing.Reconnect = 500*time.Millisecond, 100*time.Millisecond
	return gossip.Config{
		Name: name, Bind: "127.0.0.1:0", Key: secret.GossipKey(), Timing: timing,
		Meta: gossip.Meta{Peer: "127.0.0.1:7001", Version: "v1.2.3", Zone: "zone-a", HTTP: "127.0.0.1:8081", Started: 1},
	}
}

// open returns a node that gossips but has nobody who runs it: one to be killed.
func open(tb testing.TB, c gossip.Config) *gossip.Gossip {
	tb.Helper()
	g, err := gossip.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

type node struct {
	*gossip.Gossip
	// ended waits for the end of Run and returns what it returned.
	ended func() error
	// stop ends Run and does as ended.
	stop func() error
}

func start(tb testing.TB, c gossip.Config) node {
	tb.Helper()
	g := open(tb, c)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- g.Run(ctx) }()
	ended := sync.OnceValue(func() error { return <-result })
	stop := func() error {
		cancel()
		return ended()
	}
	tb.Cleanup(func() { _ = stop() })
	return node{Gossip: g, ended: ended, stop: stop}
}

func join(tb testing.TB, g *gossip.Gossip, addresses ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := g.Join(ctx, addresses); err != nil {
		tb.Fatal(err)
	}
}

// await waits until the node's members are as wanted.
func await(tb testing.TB, g *gossip.Gossip, wanted func([]gossip.Member) bool) []gossip.Member {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond) // forgetting gives no signal
	defer tick.Stop()
	for end := time.After(patience); ; {
		members := g.Members()
		if wanted(members) {
			return members
		}
		select {
		case <-g.Changed():
		case <-tick.C:
		case <-end:
			tb.Fatalf("the members stay %v", summary(members...))
		}
	}
}

func summary(members ...gossip.Member) string {
	var words []string
	for _, m := range members {
		words = append(words, fmt.Sprintf("%s=%s", m.Name, m.State))
	}
	return strings.Join(words, " ")
}

// sees waits until the node sees just what the summary says.
func sees(tb testing.TB, g *gossip.Gossip, want string) []gossip.Member {
	tb.Helper()
	return await(tb, g, func(members []gossip.Member) bool { return summary(members...) == want })
}

func TestNodesSeeEachOtherThroughOneAddress(t *testing.T) {
	t.Parallel()
	n1, n3 := start(t, newConfig("n1")), start(t, newConfig("n3"))
	c := newConfig("n2")
	c.Meta = gossip.Meta{Peer: "peer.example:7002", Version: "v2", Zone: "zone-b", ClusterID: "c", Started: 7}
	n2 := start(t, c)
	join(t, n2.Gossip, n1.Address())
	join(t, n3.Gossip, n2.Address())
	for _, g := range []node{n1, n2, n3} {
		members := sees(t, g.Gossip, "n1=alive n2=alive n3=alive")
		if m := members[1]; m.Meta != c.Meta || m.Address != n2.Address() || m.Since.IsZero() {
			t.Errorf("n2 is seen as %+v", m)
		}
	}
}

func TestLeftIsToldFromFailed(t *testing.T) {
	t.Parallel()
	n1, n2, n3 := start(t, newConfig("n1")), start(t, newConfig("n2")), open(t, newConfig("n3"))
	join(t, n2.Gossip, n1.Address())
	join(t, n3, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive n3=alive")
	sees(t, n2.Gossip, "n1=alive n2=alive n3=alive")
	if err := n2.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	sees(t, n1.Gossip, "n1=alive n2=left n3=alive")
	n3.Kill()
	sees(t, n1.Gossip, "n1=alive n2=left n3=failed")
}

func TestThoseThatAreGoneAreForgottenAfterAWhile(t *testing.T) {
	t.Parallel()
	c := newConfig("n1")
	c.Timing.Forget = 50 * time.Millisecond
	n1, n2 := start(t, c), start(t, newConfig("n2"))
	join(t, n2.Gossip, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive")
	_ = n2.stop()
	sees(t, n1.Gossip, "n1=alive")
}

func TestARestartedNodeIsBackAtOnceAtItsAddress(t *testing.T) {
	t.Parallel()
	n1, old := start(t, newConfig("n1")), open(t, newConfig("n2"))
	join(t, old, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive")
	old.Kill()
	c := newConfig("n2")
	c.Bind, c.Meta.Started = old.Address(), 2
	n2 := start(t, c)
	join(t, n2.Gossip, n1.Address())
	await(t, n1.Gossip, func(members []gossip.Member) bool {
		if summary(members...) != "n1=alive n2=alive" {
			t.Errorf("meanwhile the members are %v", summary(members...))
		}
		return members[1].Meta.Started == 2
	})
}

func TestARestartedNodeIsBackAtAnotherAddress(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*gossip.Gossip){
		"after kill -9": func(g *gossip.Gossip) { g.Kill() },
		"after it left": func(g *gossip.Gossip) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = g.Run(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n1, n3, old := start(t, newConfig("n1")), start(t, newConfig("n3")), open(t, newConfig("n2"))
			join(t, n3.Gossip, n1.Address())
			join(t, old, n1.Address())
			sees(t, n1.Gossip, "n1=alive n2=alive n3=alive")
			end(old)
			c := newConfig("n2")
			c.Meta.Started = 2
			n2 := start(t, c)
			join(t, n2.Gossip, n1.Address(), n3.Address())
			for _, g := range []node{n1, n2, n3} {
				await(t, g.Gossip, func(members []gossip.Member) bool {
					return summary(members...) == "n1=alive n2=alive n3=alive" && members[1].Address == n2.Address()
				})
			}
		})
	}
}

func TestMetadataSpreads(t *testing.T) {
	t.Parallel()
	n1, n2 := start(t, newConfig("n1")), start(t, newConfig("n2"))
	join(t, n2.Gossip, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive")
	changed := newConfig("n2").Meta
	changed.ClusterID, changed.Peer = "c1", "127.0.0.1:9999"
	if err := n2.SetMeta(changed); err != nil {
		t.Fatal(err)
	}
	for _, g := range []node{n1, n2} {
		await(t, g.Gossip, func(members []gossip.Member) bool { return members[1].Meta == changed })
	}
	if err := n2.SetMeta(gossip.Meta{Peer: "nowhere"}); !errors.Is(err, gossip.ErrMeta) {
		t.Errorf("error %v, want ErrMeta", err)
	}
}

func TestALostMemberIsFoundAgainWithoutBeingTold(t *testing.T) {
	t.Parallel()
	n1, n2, n3 := start(t, newConfig("n1")), start(t, newConfig("n2")), open(t, newConfig("n3"))
	join(t, n2.Gossip, n1.Address())
	join(t, n3, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive n3=alive")
	n3.Kill()
	sees(t, n1.Gossip, "n1=alive n2=alive n3=failed")
	c := newConfig("n3")
	c.Bind = n3.Address()
	back := start(t, c) // and nobody tells it to join
	for _, g := range []node{n1, n2, back} {
		sees(t, g.Gossip, "n1=alive n2=alive n3=alive")
	}
}

func TestALonelyNodeJoinsAgainThroughItsAddresses(t *testing.T) {
	t.Parallel()
	n1, c := open(t, newConfig("n1")), newConfig("n2")
	c.Timing.Forget = time.Millisecond // so that the addresses are all it has
	n2 := start(t, c)
	join(t, n2.Gossip, n1.Address())
	sees(t, n2.Gossip, "n1=alive n2=alive")
	n1.Kill()
	sees(t, n2.Gossip, "n2=alive")
	c = newConfig("n1")
	c.Bind = n1.Address()
	start(t, c)
	sees(t, n2.Gossip, "n1=alive n2=alive")
}

func TestNewcomersThatFoundOnlyEachOtherGoOnToTheCluster(t *testing.T) {
	t.Parallel()
	founder := newConfig("n1")
	founder.Meta.ClusterID = "c"
	late := open(t, founder)
	founder.Bind = late.Address()
	late.Kill() // its address is known, and nobody there
	n2, n3 := start(t, newConfig("n2")), start(t, newConfig("n3"))
	join(t, n2.Gossip, n3.Address(), founder.Bind)
	sees(t, n2.Gossip, "n2=alive n3=alive")
	start(t, founder)
	sees(t, n3.Gossip, "n1=alive n2=alive n3=alive")
}

func TestTheEndOfRunLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	n1, n2 := start(t, newConfig("n1")), start(t, newConfig("n2"))
	join(t, n2.Gossip, n1.Address())
	for _, g := range []node{n1, n2} {
		sees(t, g.Gossip, "n1=alive n2=alive")
	}
	for _, g := range []node{n1, n2} {
		_ = g.stop()
		l, err := net.Listen("tcp", g.Address())
		if err != nil {
			t.Errorf("the port is not free: %v", err)
			continue
		}
		_ = l.Close()
		if err := g.Join(t.Context(), []string{n1.Address()}); err == nil {
			t.Error("joined after the end")
		}
	}
	// memberlist's own need up to a probe's time to notice.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); runtime.NumGoroutine() > before; {
		select {
		case <-tick.C:
		case <-end:
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*gossip.Config){
		"name: node name":                 func(c *gossip.Config) { c.Name = "n 1" },
		"key has 16 bytes":                func(c *gossip.Config) { c.Key = c.Key[:16] },
		"key has 0 bytes":                 func(c *gossip.Config) { c.Key = nil },
		"meta: bad metadata: peer":        func(c *gossip.Config) { c.Meta.Peer = "" },
		"bind \"here\"":                   func(c *gossip.Config) { c.Bind = "here" },
		"bind \"0.0.0.0:0\" is every":     func(c *gossip.Config) { c.Bind = "0.0.0.0:0" },
		"bind \":0\" is every":            func(c *gossip.Config) { c.Bind = ":0" },
		"advertise \"there\"":             func(c *gossip.Config) { c.Advertise = "there" },
		"advertise \"0.0.0.0:1\" is no":   func(c *gossip.Config) { c.Advertise = "0.0.0.0:1" },
		"probe 0s is not positive":        func(c *gossip.Config) { c.Timing.Probe = 0 },
		"forget -1s is not positive":      func(c *gossip.Config) { c.Timing.Forget = -time.Second },
		"probe timeout 200ms is not":      func(c *gossip.Config) { c.Timing.ProbeTimeout = c.Timing.Probe },
		"suspicion 0 is below 1":          func(c *gossip.Config) { c.Timing.Suspicion = 0 },
		"only loopback addresses":         func(c *gossip.Config) { c.Key, c.Advertise = peer.NoSecret().GossipKey(), "192.0.2.1:7000" },
		"loopback addresses can be used:": func(c *gossip.Config) { c.Key, c.Bind, c.Advertise = peer.NoSecret().GossipKey(), ":0", "127.0.0.1:0" },
	} {
		c := newConfig("n1")
		change(&c)
		g, err := gossip.New(c, slog.New(slog.DiscardHandler))
		if err == nil {
			g.Kill()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for _, timing := range []gossip.Timing{gossip.LocalTiming(), gossip.LANTiming(), gossip.WANTiming()} {
		if err := timing.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestABusyPortIsTold(t *testing.T) {
	t.Parallel()
	n1, c := start(t, newConfig("n1")), newConfig("n2")
	c.Bind = n1.Address()
	if _, err := gossip.New(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}

func TestTheAdvertisedAddressIsTheMembers(t *testing.T) {
	t.Parallel()
	c := newConfig("n1")
	c.Bind, c.Advertise = "0.0.0.0:0", "127.0.0.1:0"
	n1, n2 := start(t, c), start(t, newConfig("n2"))
	join(t, n2.Gossip, n1.Address())
	members := sees(t, n2.Gossip, "n1=alive n2=alive")
	if !strings.HasPrefix(n1.Address(), "127.0.0.1:") || members[0].Address != n1.Address() {
		t.Errorf("n1 is at %s, and seen at %s", n1.Address(), members[0].Address)
	}
}

func BenchmarkMembers(b *testing.B) {
	g := open(b, newConfig("n0"))
	defer g.Kill()
	others := make([]*gossip.Gossip, 20)
	for i := range others {
		others[i] = open(b, newConfig(fmt.Sprintf("n%d", i+1)))
		defer others[i].Kill()
		join(b, others[i], g.Address())
	}
	b.ReportAllocs()
	for b.Loop() {
		if members := g.Members(); !slices.ContainsFunc(members, func(m gossip.Member) bool { return m.Name == "n0" }) {
			b.Fatal("the node does not list itself")
		}
	}
}

package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/gossip"
)

// gossips are nodes that do nothing but gossip.
type gossips struct {
	*wires
	tb    testing.TB
	net   *gossipNet
	names []string
	nodes map[string]*gossipNode
	stop  map[string]context.CancelFunc
	lives sync.WaitGroup
}

// withGossips runs the test with nodes that have joined the first of them.
func withGossips(t *testing.T, seed uint64, nodes int, test func(g *gossips)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gossips{wires: newWires(seed), tb: t, nodes: make(map[string]*gossipNode), stop: make(map[string]context.CancelFunc)}
		g.net = newGossipNet(g.wires)
		defer g.close()
		for i := range nodes {
			g.names = append(g.names, fmt.Sprintf("n%d", i+1))
			g.start(g.names[i])
			if i > 0 {
				g.mustJoin(g.names[i], "n1")
			}
		}
		g.within(time.Second, "all know all", func() bool { return g.all(gossip.Alive, g.names...) })
		test(g)
	})
}

func (g *gossips) start(name string) {
	config := gossip.Config{
		Name: name, Bind: name + ":7000", Timing: gossip.LocalTiming(),
		Meta: gossip.Meta{Peer: name + ":7001", Started: time.Now().UnixMicro()},
	}
	l := g.begin(name)
	ctx, stop := context.WithCancel(context.Background())
	n := g.net.open(l, config)
	g.nodes[name], g.stop[name] = n, stop
	g.lives.Go(func() {
		if err := n.Run(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, errOver) {
			g.tb.Errorf("%s: %v", name, err)
		}
		g.end(l)
		g.net.networkChanged()
	})
	g.net.networkChanged()
}

func (g *gossips) crash(name string) {
	g.end(g.nodes[name].life)
	g.stop[name]()
	g.net.networkChanged()
}

func (g *gossips) close() {
	for _, name := range g.names {
		g.crash(name)
	}
	g.lives.Wait()
}

// change does something to the network.
func (g *gossips) change(do func()) {
	do()
	g.net.networkChanged()
}

func (g *gossips) mustJoin(name, to string) {
	g.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := g.nodes[name].Join(ctx, []string{to + ":7000"}); err != nil {
		g.tb.Fatalf("%v\n%s", err, g.timeline())
	}
}

// state is what a node knows of another, "" for nothing.
func (g *gossips) state(name, other string) gossip.State { return g.member(name, other).State }

func (g *gossips) member(name, other string) gossip.Member {
	for _, m := range g.nodes[name].Members() {
		if m.Name == other {
			return m
		}
	}
	return gossip.Member{}
}

// all says whether every living node has the others in the state.
func (g *gossips) all(state gossip.State, others ...string) bool {
	return !slices.ContainsFunc(g.names, func(name string) bool {
		return g.alive(name) && slices.ContainsFunc(others, func(other string) bool {
			return other != name && g.state(name, other) != state
		})
	})
}

func (g *gossips) within(most time.Duration, what string, ok func() bool) time.Duration {
	g.tb.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > most {
			g.tb.Fatalf("not within %v: %s\n%s", most, what, g.timeline())
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// mustTake fails when something did not take as long as it should.
func (g *gossips) mustTake(least, most time.Duration, what string, ok func() bool) {
	g.tb.Helper()
	if took := g.within(most, what, ok); took < least {
		g.tb.Errorf("%s: after %v already, not %v", what, took, least)
	}
}

func TestGossipModelADeadNodeIsFoundOutAboutAsSoonAsByTheRealOne(t *testing.T) {
	for seed := range uint64(10) {
		withGossips(t, seed, 4, func(g *gossips) {
			g.crash("n2")
			time.Sleep(500 * time.Millisecond)
			if !g.all(gossip.Alive, "n2") {
				t.Error("found out before it can have been")
			}
			g.mustTake(200*time.Millisecond, 700*time.Millisecond, "n2 has failed", func() bool { return g.all(gossip.Failed, "n2") })
			if m := g.member("n1", "n2"); time.Since(m.Since) > 300*time.Millisecond || m.Address != "n2:7000" {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestGossipModelPartsOfANetworkFindEachOtherAgain(t *testing.T) {
	withGossips(t, 1, 5, func(g *gossips) {
		g.change(func() {
			g.isolate("n1", true, "n3", "n4", "n5")
			g.isolate("n2", true, "n3", "n4", "n5")
		})
		g.within(1500*time.Millisecond, "each part sees the other fail", func() bool {
			return g.state("n1", "n3") == gossip.Failed && g.state("n2", "n5") == gossip.Failed && g.state("n4", "n1") == gossip.Failed && g.state("n5", "n2") == gossip.Failed
		})
		if g.state("n1", "n2") != gossip.Alive || g.state("n3", "n5") != gossip.Alive {
			t.Error("a part fell apart")
		}
		g.change(func() {
			g.isolate("n1", false, g.names...)
			g.isolate("n2", false, g.names...)
		})
		g.mustTake(50*time.Millisecond, 300*time.Millisecond, "all see all", func() bool { return g.all(gossip.Alive, g.names...) })
	})
}

func TestGossipModelAnInterruptionOfAMomentGoesUnnoticed(t *testing.T) {
	withGossips(t, 2, 3, func(g *gossips) {
		for range 20 {
			g.change(func() { g.isolate("n1", true, "n2", "n3") })
			time.Sleep(400 * time.Millisecond)
			g.change(func() { g.isolate("n1", false, "n2", "n3") })
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		if strings.Contains(g.timeline(), string(gossip.Failed)) {
			t.Error(g.timeline())
		}
	})
}

func TestGossipModelSomebodyInBetweenIsEnough(t *testing.T) {
	withGossips(t, 3, 3, func(g *gossips) {
		g.change(func() { g.cut("n1", "n2", true) })
		time.Sleep(10 * time.Second)
		if !g.all(gossip.Alive, g.names...) {
			t.Error(g.timeline())
		}
		g.change(func() { g.cut("n3", "n2", true) })
		g.within(1500*time.Millisecond, "nobody reaches n2", func() bool { return g.all(gossip.Failed, "n2") })
	})
}

func TestGossipModelAPausedNodeFailsAndComesBack(t *testing.T) {
	withGossips(t, 4, 3, func(g *gossips) {
		g.change(func() { g.pause("n3") })
		g.within(1500*time.Millisecond, "n3 has failed", func() bool { return g.all(gossip.Failed, "n3") })
		if g.state("n3", "n1") != gossip.Alive {
			t.Error("a stopped process found something out")
		}
		g.change(func() { g.resume("n3") })
		g.mustTake(50*time.Millisecond, 300*time.Millisecond, "n3 is back", func() bool { return g.all(gossip.Alive, "n3") })
	})
}

func TestGossipModelWhoLeavesIsNotTakenForFailed(t *testing.T) {
	withGossips(t, 5, 3, func(g *gossips) {
		g.stop["n2"]()
		g.within(200*time.Millisecond, "n2 has left", func() bool { return g.all(gossip.Left, "n2") })
		g.within(time.Second, "its end", func() bool { return !g.alive("n2") })
		g.start("n2")
		time.Sleep(5 * time.Second)
		if g.state("n1", "n2") != gossip.Left || len(g.nodes["n2"].Members()) != 1 {
			t.Errorf("it came back without having joined\n%s", g.timeline())
		}
		g.mustJoin("n2", "n3")
		g.within(200*time.Millisecond, "n2 is back", func() bool { return g.all(gossip.Alive, g.names...) })
	})
}

func TestGossipModelARestartShowsBySoonBeingAnother(t *testing.T) {
	withGossips(t, 6, 4, func(g *gossips) {
		g.crash("n1")
		time.Sleep(100 * time.Millisecond)
		g.start("n1") // the others come to it, since they know its address
		started := g.nodes["n1"].meta.Started
		g.within(200*time.Millisecond, "all see the new life", func() bool {
			return !slices.ContainsFunc(g.names[1:], func(name string) bool { return g.member(name, "n1").Meta.Started != started })
		})
		g.within(200*time.Millisecond, "it sees all", func() bool { return g.all(gossip.Alive, g.names...) })
		if strings.Contains(g.timeline(), string(gossip.Failed)) {
			t.Error(g.timeline())
		}
	})
}

func TestGossipModelAJoinWaitsUntilSomebodyAnswers(t *testing.T) {
	withGossips(t, 7, 1, func(g *gossips) {
		g.crash("n1")
		g.names = append(g.names, "n2")
		g.start("n2")
		joined := make(chan error, 1)
		go func() { joined <- g.nodes["n2"].Join(context.Background(), []string{"n2:7000", "n9:7000", "n1:7000"}) }()
		time.Sleep(10 * time.Second)
		select {
		case err := <-joined:
			t.Fatalf("joined nobody: %v", err)
		default:
		}
		g.start("n1")
		g.within(3*time.Second, "both know each other", func() bool { return g.all(gossip.Alive, g.names...) })
		if err := <-joined; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := g.nodes["n2"].Join(ctx, []string{"n9:7000"}); err == nil {
			t.Error("joined a node that is not there")
		}
	})
}

func TestGossipModelNodesOfTwoClustersDoNotMeet(t *testing.T) {
	withGossips(t, 8, 1, func(g *gossips) {
		g.names = append(g.names, "n2")
		g.start("n2")
		for _, name := range g.names {
			meta := g.nodes[name].meta
			meta.ClusterID = "of-" + name
			if err := g.nodes[name].SetMeta(meta); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.nodes["n2"].Join(context.Background(), []string{"n1:7000"}); !errors.Is(err, gossip.ErrOtherCluster) {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if g.state("n1", "n2") != "" {
			t.Error("they met")
		}
	})
}

func TestGossipModelNewMetadataSpreads(t *testing.T) {
	withGossips(t, 9, 4, func(g *gossips) {
		for name := range g.nodes {
			select {
			case <-g.nodes[name].Changed():
			default:
			}
		}
		meta := g.nodes["n1"].meta
		meta.ClusterID = "abc"
		if err := g.nodes["n1"].SetMeta(meta); err != nil {
			t.Fatal(err)
		}
		for _, name := range g.names[1:] {
			<-g.nodes[name].Changed()
			if got := g.member(name, "n1").Meta; got != meta {
				t.Errorf("%s has %+v", name, got)
			}
		}
		if err := g.nodes["n1"].SetMeta(gossip.Meta{}); !errors.Is(err, gossip.ErrMeta) {
			t.Error(err)
		}
	})
}

func TestGossipModelWhoIsGoneForLongIsForgotten(t *testing.T) {
	withGossips(t, 10, 3, func(g *gossips) {
		g.crash("n2")
		g.within(1500*time.Millisecond, "n2 has failed", func() bool { return g.all(gossip.Failed, "n2") })
		time.Sleep(gossip.LocalTiming().Forget - time.Second)
		if !g.all(gossip.Failed, "n2") {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Second + time.Millisecond)
		if !g.all("", "n2") {
			t.Errorf("%+v", g.nodes["n1"].Members())
		}
		g.start("n2")
		time.Sleep(5 * time.Second)
		if !g.all("", "n2") {
			t.Error("nobody knows its address any more, yet somebody came")
		}
	})
}

func TestGossipModelFollowsFromItsSeedAndSettles(t *testing.T) {
	ordeal := func(seed uint64) (story string) {
		withGossips(t, seed, 5, func(g *gossips) {
			for i := range 40 {
				time.Sleep(time.Duration(g.dice(fmt.Sprint("pause ", i), int(700*time.Millisecond))))
				g.harm(i)
			}
			for _, name := range g.names {
				g.resume(name)
				g.isolate(name, false, g.names...)
			}
			g.net.networkChanged()
			time.Sleep(time.Second) // who was asked to end has
			for _, name := range g.names {
				g.revive(name)
			}
			g.within(3*time.Second, "all see all", func() bool { return g.all(gossip.Alive, g.names...) })
			story = g.timeline()
		})
		return story
	}
	failures := 0
	for seed := range uint64(20) {
		story := ordeal(seed)
		if seed < 5 && story != ordeal(seed) {
			t.Errorf("seed %d has two histories", seed)
		}
		failures += strings.Count(story, " failed\n")
	}
	if failures < 200 {
		t.Errorf("%d failures seen: too little happened to tell anything", failures)
	}
}

// harm does something to a node, or ends what was done.
func (g *gossips) harm(i int) {
	what := fmt.Sprint("harm ", i)
	name, other := g.names[g.dice(what+" whom", len(g.names))], g.names[g.dice(what+" other", len(g.names))]
	switch g.dice(what, 8) {
	case 0:
		g.crash(name)
	case 1:
		g.stop[name]()
	case 2:
		g.pause(name)
	case 3:
		g.isolate(name, true, g.names...)
	case 4:
		g.cut(name, other, true)
	default:
		g.resume(name)
		g.isolate(name, false, g.names...)
		g.revive(name)
	}
	g.net.networkChanged()
}

// revive starts the node, where it does not run, and has it join any of the others.
func (g *gossips) revive(name string) {
	if g.alive(name) {
		return
	}
	g.start(name)
	n := g.nodes[name]
	var addresses []string
	for _, other := range g.names {
		addresses = append(addresses, other+":7000")
	}
	g.lives.Go(func() { _ = n.Join(context.Background(), addresses) })
}

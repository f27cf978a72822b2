package forward_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/forward"
)

func TestAnEventCrossesOnlyWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, nil)
		defer stop(t, a, b)
		a.happen("T:X", "before")
		expect(t, b)
		if n.dialed() != 0 {
			t.Errorf("%d connections although nobody listens", n.dialed())
		}
		first, second := b.Want("T:X"), b.Want("T:X")
		synctest.Wait()
		a.happen("T:X", "1")
		a.happen("T:Y", "of another topic")
		expect(t, b, "T:X 1")
		first()
		first()
		synctest.Wait()
		a.happen("T:X", "2")
		expect(t, b, "T:X 2")
		second()
		synctest.Wait()
		a.happen("T:X", "after")
		expect(t, b)
		expect(t, a)
		if a.subscribers("T:X") != 0 {
			t.Error("still subscribed after the last release")
		}
		if s := peerStats(t, b, "a"); s.Connected || s.Received != 2 || s.Connects != 1 {
			t.Errorf("figures at the listener: %+v", s)
		}
		if s := peerStats(t, a, "b"); s.Listening || s.Sent != 2 || s.Dropped != 0 {
			t.Errorf("figures at the sender: %+v", s)
		}
	})
}

func TestEventsCrossBothWaysAndToSeveralNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		names := []string{"a", "b", "c"}
		var peers []forward.Peer
		var nodes []*node
		for _, name := range names {
			peers = append(peers, forward.Peer{Name: name, Address: name})
			nodes = append(nodes, n.start(t, name, nil))
		}
		defer stop(t, nodes...)
		for _, one := range nodes {
			one.SetPeers(peers)
			defer one.Want("T:X")()
		}
		synctest.Wait()
		for i, one := range nodes {
			one.happen("T:X", names[i])
			synctest.Wait()
		}
		expect(t, nodes[0], "T:X b", "T:X c")
		expect(t, nodes[1], "T:X a", "T:X c")
		expect(t, nodes[2], "T:X a", "T:X b")
	})
}

func TestATopicThatCannotBeAskedForIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer stop(t, a, b)
		for _, topic := range []string{"", "T: X", "T:X\n+T:Y", "T:Ä", strings.Repeat("T", 257)} {
			b.Want(topic)()
			defer b.Want(topic)()
		}
		longest := strings.Repeat("T", 256)
		defer b.Want(longest)()
		synctest.Wait()
		a.happen(longest, "1")
		a.happen("T:Y", "2")
		expect(t, b, longest+" 1")
		if s := peerStats(t, a, "b"); s.Topics != 1 {
			t.Errorf("%d topics asked for, want 1", s.Topics)
		}
	})
}

func TestManyTopicsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer stop(t, a, b)
		const topics = 20_000
		for i := range topics {
			defer b.Want(fmt.Sprintf("TRADE_EVENTS:SYMBOL%05d", i))()
		}
		synctest.Wait()
		if s := peerStats(t, a, "b"); s.Topics != topics {
			t.Errorf("%d topics asked for, want %d", s.Topics, topics)
		}
		a.happen("TRADE_EVENTS:SYMBOL19999", "1")
		expect(t, b, "TRADE_EVENTS:SYMBOL19999 1")
	})
}

func TestASlowPeerLosesTheOldestAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, func(c *forward.Config) { c.Queue, c.Batch = 100, 10 })
		defer stop(t, a, b)
		defer b.Want("T:X")()
		synctest.Wait()
		b.gate = make(chan struct{})
		a.happen("T:X", "0") // holds b up
		synctest.Wait()
		a.happen("T:X", "1") // holds a's connection up
		synctest.Wait()
		for i := 2; i < 1002; i++ {
			a.happen("T:X", fmt.Sprint(i))
		}
		synctest.Wait()
		if s := peerStats(t, a, "b"); s.Waiting != 100 || s.Dropped != 900 {
			t.Errorf("%d wait and %d are dropped, want 100 and 900", s.Waiting, s.Dropped)
		}
		// Longer than the silence that a peer is given up after.
		elapse(time.Minute)
		close(b.gate)
		want := []string{"T:X 0", "T:X 1"}
		for i := 902; i < 1002; i++ {
			want = append(want, fmt.Sprint("T:X ", i))
		}
		expect(t, b, want...)
		if s := peerStats(t, b, "a"); s.Missed != 900 || s.Received != 102 || s.Connects != 1 {
			t.Errorf("figures at the listener: %+v, want 900 missed, 102 received, one connection", s)
		}
		if s := peerStats(t, a, "b"); s.Sent != 102 || s.Waiting != 0 {
			t.Errorf("figures at the sender: %+v, want 102 sent", s)
		}
	})
}

func TestALostConnectionComesBackWithAllThatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, nil)
		defer stop(t, a, b)
		defer b.Want("T:X")()
		defer b.Want("T:Y")()
		synctest.Wait()
		n.cut()
		synctest.Wait()
		if s := peerStats(t, b, "a"); s.Connected {
			t.Error("connected over a link that was cut")
		}
		if a.subscribers("T:X") != 0 {
			t.Error("subscribed for a peer that is cut off")
		}
		elapse(time.Second)
		a.happen("T:X", "1")
		a.happen("T:Y", "2")
		expect(t, b, "T:X 1", "T:Y 2")
		if s := peerStats(t, b, "a"); !s.Connected || s.Connects != 2 {
			t.Errorf("figures at the listener: %+v, want the second connection", s)
		}
	})
}

func TestAnAbsentPeerIsTriedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b", nil)
		defer stop(t, b)
		b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		defer b.Want("T:X")()
		elapse(time.Minute)
		if d := n.dialed(); d < 12 || d > 40 {
			t.Errorf("%d tries in a minute, want some 16", d)
		}
		a := n.start(t, "a", nil)
		defer stop(t, a)
		elapse(10 * time.Second)
		a.happen("T:X", "1")
		expect(t, b, "T:X 1")
	})
}

func TestPeersComeGoAndMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t, nil)
		defer stop(t, a, b)
		defer b.Want("T:X")()
		synctest.Wait()
		b.SetPeers(nil)
		synctest.Wait()
		a.happen("T:X", "while it is no peer")
		expect(t, b)
		if s := b.Stats(); len(s) != 0 {
			t.Errorf("figures of a peer that is gone: %+v", s)
		}

		b.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		synctest.Wait()
		a.happen("T:X", "1")
		expect(t, b, "T:X 1")

		stop(t, a)
		moved := n.startAt(t, "elsewhere", "a", nil)
		defer stop(t, moved)
		b.SetPeers([]forward.Peer{{Name: "a", Address: "elsewhere"}})
		synctest.Wait()
		moved.happen("T:X", "2")
		expect(t, b, "T:X 2")
		if s := peerStats(t, b, "a"); s.Address != "elsewhere" || !s.Connected {
			t.Errorf("figures after the move: %+v", s)
		}
	})
}

func TestEventsThatCannotCrossAreCountedAndTheOthersCross(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer stop(t, a, b)
		defer b.Want("T:X")()
		synctest.Wait()
		for _, event := range []any{"1", 2, "garbage", strings.Repeat("x", 1<<16), "5"} {
			a.happen("T:X", event)
		}
		expect(t, b, "T:X 1", "T:X 5")
		if s := peerStats(t, a, "b"); s.Sent != 3 || s.Dropped != 2 {
			t.Errorf("figures at the sender: %+v, want 3 sent, 2 dropped", s)
		}
		if s := peerStats(t, b, "a"); s.Received != 2 || s.Missed != 3 || s.Connects != 1 {
			t.Errorf("figures at the listener: %+v, want 2 received, 3 missed", s)
		}
	})
}

func TestEventsOfAllSizesCrossWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer stop(t, a, b)
		defer b.Want("T:X")()
		synctest.Wait()
		var want []string
		for size := 1; size < 1<<16-10; size = size*3/2 + 1 {
			event := strings.Repeat("x", size)
			want = append(want, "T:X "+event)
			a.happen("T:X", event)
		}
		expect(t, b, want...)
	})
}

func TestRunEndsWhileAPublishWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t, nil)
		defer b.Want("T:X")()
		synctest.Wait()
		b.gate = make(chan struct{})
		for i := range 10_000 {
			a.happen("T:X", fmt.Sprint(i))
		}
		synctest.Wait()
		began := time.Now()
		stop(t, b, a)
		if d := time.Since(began); d != 0 {
			t.Errorf("the end took %s", d)
		}
		if s := b.Stats(); len(s) != 1 || s[0].Connected {
			t.Errorf("figures after the end: %+v", s)
		}
		if s := a.Stats(); len(s) != 1 || s[0].Listening || s[0].Sent+s[0].Dropped != 10_000 {
			t.Errorf("figures after the end: %+v, want every event sent or dropped", s)
		}
	})
}

func TestRunSaysWhenItsListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		l := n.listen("a")
		f := forward.New(settings("a", nil), newBoard(), text{}, l, n.dialer("a"), slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- f.Run(t.Context()) }()
		synctest.Wait()
		_ = l.Close()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "accept connections for events") {
			t.Errorf("run: %v", err)
		}
	})
}

func TestPeersMayChangeBeforeTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := n.start(t, "a", nil)
		defer stop(t, a)
		board := newBoard()
		f := forward.New(settings("b", nil), board, text{}, n.listen("b"), n.dialer("b"), slog.New(slog.DiscardHandler))
		defer f.Want("T:X")()
		f.SetPeers([]forward.Peer{{Name: "gone", Address: "gone"}})
		f.SetPeers([]forward.Peer{{Name: "a", Address: "a"}})
		if s := f.Stats(); len(s) != 1 || s[0].Name != "a" || s[0].Address != "a" {
			t.Errorf("figures before the run: %+v", s)
		}
		b := &node{Forwarder: f, board: board, stop: run(f)}
		defer stop(t, b)
		synctest.Wait()
		a.happen("T:X", "1")
		expect(t, b, "T:X 1")
		if n.dialed() != 1 {
			t.Errorf("%d connections made, want one", n.dialed())
		}
	})
}

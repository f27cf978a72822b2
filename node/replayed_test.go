package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// replayedTrades is how many trades of XRPUSDT a node has stored, one an hour.
const replayedTrades = 100

// hour is the time between two of them.
const hour = exchange.Micros(3600 * 1_000_000)

// startWithHistory runs a node that has stored trades 1 to 100 of a price at which a
// trader that took them for live would act.
func startWithHistory(t *testing.T, m *market) *running {
	t.Helper()
	dir := t.TempDir()
	db, err := storage.Open(t.Context(), filepath.Join(dir, "hedgehog.db"))
	if err != nil {
		t.Fatal(err)
	}
	var batch storage.Batch
	for id := range exchange.Micros(replayedTrades) {
		batch.Trades = append(batch.Trades, &exchange.TradeEvent{Symbol: "XRPUSDT", ID: int64(id + 1),
			Price: decimal.New(1, -1), Quantity: decimal.New(7, 0), TradeTime: (id + 1) * hour})
	}
	if _, err := db.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
}

// kept is what a node has stored.
type kept struct {
	trades  []exchange.TradeEvent
	candles []exchange.Candle
	orders  []exchange.Order
}

func (r *running) kept(t *testing.T) (k kept) {
	t.Helper()
	trades, err := r.Trades(t.Context(), "XRPUSDT", 10_000)
	candles, err2 := r.Candles(t.Context(), "XRPUSDT", 1, 10_000)
	orders, err3 := r.Orders(t.Context(), "XRPUSDT", false, 10_000)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return kept{trades, candles, orders}
}

// passAndStore lets a trade happen and waits until the node has stored it.
func (r *running) passAndStore(t *testing.T, m *market, id int64, price string) {
	t.Helper()
	m.pass(t, id, price)
	waitFor(t, "the trade to be stored", func() (int64, bool) {
		trades, err := r.Trades(t.Context(), "XRPUSDT", 1)
		if err != nil || len(trades) == 0 {
			return 0, false
		}
		return trades[0].ID, trades[0].ID == id
	})
}

func TestAReplayIsForThoseWhoWatchAlone(t *testing.T) {
	m := quietMarket(t)
	n := startWithHistory(t, m)
	n.must(t, "XRPUSDT", everything())
	waitForStream(t, n)
	n.passAndStore(t, m, replayedTrades+1, "0.5")
	waitFor(t, "the trader to have bought", func() ([]exchange.Order, bool) {
		orders, err := n.Orders(t.Context(), "XRPUSDT", false, 10)
		return orders, err == nil && len(orders) == 1
	})
	before := n.kept(t)

	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan exchange.TradeEvent, 2*replayedTrades)
	begun, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		first := true
		watched <- n.Watch(ctx, "TRADE_EVENTS:XRPUSDT", func(line []byte) error {
			if first {
				close(begun)
				first = false
			}
			var message struct{ Event exchange.TradeEvent }
			err := json.Unmarshal(line, &message)
			seen <- message.Event
			return err
		})
	}()
	// Replays of one trade until the watcher, who comes at some time, sees them.
	one := api.Replay{Symbol: "XRPUSDT", FromUS: hour, ToUS: 2 * hour}
	waitFor(t, "the watcher to be there", func() (int, bool) {
		if _, err := n.Replay(t.Context(), one, func(api.ReplayProgress) {}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-begun:
			return 1, true
		default:
			return 0, false
		}
	})
	var told []api.ReplayProgress
	last, err := n.Replay(t.Context(), api.Replay{Symbol: "XRPUSDT", FromUS: 2 * hour, Lockstep: true},
		func(p api.ReplayProgress) { told = append(told, p) })
	// All but the first one of the stored trades, and the live one.
	if want := (api.ReplayProgress{Symbol: "XRPUSDT", Published: replayedTrades, AtUS: before.trades[replayedTrades].TradeTime, Done: true}); err != nil || last != want {
		t.Errorf("%+v, %v; want %+v", last, err, want)
	}
	if len(told) < 2 || told[0].Done || told[len(told)-1] != last {
		t.Errorf("told %+v", told)
	}
	for next := int64(2); next <= replayedTrades+1; {
		trade := <-seen
		if trade.Source != exchange.Replay {
			t.Fatalf("the watcher sees %+v, which is not marked as replayed", trade)
		}
		switch trade.ID {
		case next:
			next++
		case 1:
		default:
			t.Fatalf("the watcher sees trade %d, want %d", trade.ID, next)
		}
	}
	cancel()
	<-watched

	// What the parts had made of the replay would be stored before this trade.
	n.passAndStore(t, m, replayedTrades+2, "0.5")
	after := n.kept(t)
	if len(after.trades) != len(before.trades)+1 || len(after.candles) != len(before.candles) || len(after.orders) != len(before.orders) {
		t.Errorf("%d trades, %d candles and %d orders are stored; before the replay and one trade it was %d, %d and %d",
			len(after.trades), len(after.candles), len(after.orders), len(before.trades), len(before.candles), len(before.orders))
	}
}

// startSlowReplay begins a replay that would last for years. ended has what it
// returned.
func (r *running) startSlowReplay(t *testing.T, ctx context.Context) (ended chan error) {
	t.Helper()
	begun, first := make(chan struct{}), true
	ended = make(chan error, 1)
	go func() {
		_, err := r.Replay(ctx, api.Replay{Symbol: "XRPUSDT", Speed: 0.001}, func(p api.ReplayProgress) {
			if p.Published == 1 && first {
				close(begun)
				first = false
			}
		})
		ended <- err
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatalf("replay ended with %v", err)
	}
	return ended
}

func TestASymbolIsReplayedOnceAtATime(t *testing.T) {
	n := startWithHistory(t, quietMarket(t))
	ctx, stop := context.WithCancel(t.Context())
	ended := n.startSlowReplay(t, ctx)
	_, err := n.Replay(t.Context(), api.Replay{Symbol: "XRPUSDT"}, nil)
	if got := status(t, err); got != 409 || !strings.Contains(err.Error(), "XRPUSDT is being replayed on this node") {
		t.Errorf("a second one: status %d %q, want 409", got, err)
	}
	s, err := n.Status(t.Context())
	if want := (api.ReplayProgress{Symbol: "XRPUSDT", Published: 1, AtUS: hour}); err != nil || len(s.Replays) != 1 || s.Replays[0] != want {
		t.Errorf("status has the replays %+v, %v; want %+v", s.Replays, err, want)
	}
	stop() // which ends it on the node, at some time
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped by hand: %v", err)
	}
	waitFor(t, "the node to have ended it", func() (error, bool) {
		last, err := n.Replay(t.Context(), api.Replay{Symbol: "XRPUSDT"}, func(api.ReplayProgress) {})
		return err, err == nil && last.Published == replayedTrades
	})
}

func TestAReplayEndsWithItsNode(t *testing.T) {
	n := startWithHistory(t, quietMarket(t))
	ended := n.startSlowReplay(t, t.Context())
	if err := n.stop(); err != nil {
		t.Errorf("node: %v", err)
	}
	if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), "replay XRPUSDT: cut off") {
		t.Errorf("replay: %v", err)
	}
}

func TestAReplayThatMakesNoSenseIsRefused(t *testing.T) {
	n := startWithHistory(t, quietMarket(t))
	for _, test := range []struct {
		ask    api.Replay
		status int
		says   string
	}{
		{api.Replay{Symbol: "NOPE"}, 404, "NOPE"},
		{api.Replay{Symbol: "no/pe"}, 400, `"no/pe"`},
		{api.Replay{Symbol: "XRPUSDT", Speed: -1}, 400, "speed -1: want 0"},
		{api.Replay{Symbol: "XRPUSDT", FromUS: 5, ToUS: 5}, 400, "want a time after from"},
		{api.Replay{Symbol: "XRPUSDT", FromUS: 1000 * hour}, 404, "no trades of XRPUSDT in that period"},
	} {
		_, err := n.Replay(t.Context(), test.ask, nil)
		if got := status(t, err); got != test.status || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: status %d %q, want %d naming %s", test.ask, got, err, test.status, test.says)
		}
	}
}

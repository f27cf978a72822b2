package node_test

import (
	"encoding/json"
	"slices"
	"testing"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/node/api"
)

// follow follows the cluster as the node sees it until the test ends.
func (r *running) follow(t *testing.T) *api.Live {
	t.Helper()
	l, err := r.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// untilLive reads frames until one shows what is awaited; any node that does not tell
// it in time fails the test, for it tells a beat each second.
func untilLive(t *testing.T, l *api.Live, what string, shows func(api.LiveFrame) bool) {
	t.Helper()
	beats := 0
	for {
		f, err := l.Next()
		if err != nil {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
		if shows(f) {
			return
		}
		if f.Kind == api.LiveBeat {
			if beats++; beats == 20 {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
}

func dataOf[T any](t *testing.T, f api.LiveFrame) (v T) {
	t.Helper()
	if err := json.Unmarshal(f.Data, &v); err != nil {
		t.Fatalf("%s %s: %v", f.Kind, f.Data, err)
	}
	return v
}

func TestWhoFollowsANodeSeesWhatGoesOn(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	l := n.follow(t)
	untilLive(t, l, "the status", func(f api.LiveFrame) bool {
		return f.Kind == api.LiveStatus && dataOf[api.Status](t, f).Exchange.Ready
	})
	untilLiveAnswer := func(kind string, topics ...string) {
		t.Helper()
		if err := l.Watch(topics...); err != nil {
			t.Fatal(err)
		}
		untilLive(t, l, "an answer", func(f api.LiveFrame) bool { return f.Kind == kind })
	}
	untilLiveAnswer(api.LiveError, "ORDERS:NOPE")
	untilLiveAnswer(api.LiveError, "TRADES:XRPUSDT")
	untilLiveAnswer(api.LiveWatching, "TRADE_EVENTS:XRPUSDT", "POSITIONS:XRPUSDT")
	n.must(t, "XRPUSDT", everything())
	untilLive(t, l, "an owner", func(f api.LiveFrame) bool {
		return f.Kind == api.LiveSymbols && slices.ContainsFunc(dataOf[[]api.ClusterSymbol](t, f), func(s api.ClusterSymbol) bool {
			return s.Symbol == "XRPUSDT" && s.Node == "n1"
		})
	})
	waitForStream(t, n)
	m.pass(t, 1, "0.5")
	untilLive(t, l, "the trade", func(f api.LiveFrame) bool {
		return f.Kind == api.LiveMessage && f.Topic == "TRADE_EVENTS:XRPUSDT" && dataOf[exchange.TradeEvent](t, f).ID == 1
	})
	untilLive(t, l, "a position that buys", func(f api.LiveFrame) bool {
		return f.Kind == api.LiveMessage && f.Topic == "POSITIONS:XRPUSDT" && dataOf[api.Position](t, f).Buy != nil
	})
	if err := n.stop(); err != nil {
		t.Errorf("stop while somebody follows: %v", err)
	}
}

func TestWhoFollowsANodeSeesSymbolsMoveFromOneThatIsGone(t *testing.T) {
	c := newTeam(t, busyMarket(t, "XRPUSDT"), "n1", "n2", "n3")
	c.tradeAll("XRPUSDT")
	owner := c.owners()["XRPUSDT"]
	for name, r := range c.members {
		if name == owner {
			continue
		}
		l := r.follow(t)
		if err := l.Watch("TRADE_EVENTS:XRPUSDT"); err != nil {
			t.Fatal(err)
		}
		var last int64
		untilLive(t, l, "a trade that the owner sees", func(f api.LiveFrame) bool {
			if f.Kind == api.LiveMessage {
				last = dataOf[exchange.TradeEvent](t, f).ID
			}
			return last > 0
		})
		c.stop(owner)
		untilLive(t, l, "another owner", func(f api.LiveFrame) bool {
			if f.Kind != api.LiveSymbols {
				return false
			}
			symbols := dataOf[[]api.ClusterSymbol](t, f)
			return len(symbols) == 1 && symbols[0].Node != owner && symbols[0].Node != ""
		})
		untilLive(t, l, "a later trade", func(f api.LiveFrame) bool {
			return f.Kind == api.LiveMessage && dataOf[exchange.TradeEvent](t, f).ID > last
		})
		return
	}
}

package node_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/node/api"
)

// profitOf waits until the node's profit of XRPUSDT is as awaited.
func profitOf(t *testing.T, r *running, what string, awaited func(api.Profit) bool) api.Profit {
	t.Helper()
	return waitFor(t, what, func() (api.Profit, bool) {
		profits, err := r.Profit(t.Context(), "")
		if err != nil {
			t.Fatalf("profit: %v", err)
		}
		if len(profits) != 1 || profits[0].Symbol != "XRPUSDT" {
			return api.Profit{}, false
		}
		return profits[0], awaited(profits[0])
	})
}

func TestProfitIsWhatPositionsHaveEarnedAndHold(t *testing.T) {
	m := quietMarket(t)
	n := startNode(t, func(c *node.Config) { c.Exchange = m.url })
	if profits, err := n.Profit(t.Context(), ""); err != nil || len(profits) != 0 {
		t.Errorf("profits before anything was traded: %+v, %v", profits, err)
	}
	settings := everything()
	settings.Chunks, settings.Budget = ptr(1), ptr(decimal.New(100, 0))
	n.must(t, "XRPUSDT", settings)
	waitForStream(t, n)
	// bought lets the price be such that a position places its buy, and then that it is
	// filled.
	bought := func(price string) api.Position {
		t.Helper()
		p := waitFor(t, "a buy", func() (api.Position, bool) {
			m.pass(t, nextTrade(m), price)
			p, err := n.Positions(t.Context(), "XRPUSDT", false)
			if err != nil || len(p) != 1 || p[0].Buy == nil || p[0].Buy.Status != exchange.New {
				return api.Position{}, false
			}
			return p[0], true
		})
		m.pass(t, nextTrade(m), "0.49")
		return p
	}
	first := bought("0.5")
	p := profitOf(t, n, "the profit to show what is held", func(p api.Profit) bool { return p.Held.Sign() > 0 && p.LastPrice != nil })
	worth := decimal.New(49, -2).Mul(p.Held).Sub(p.Invested)
	cost := first.Buy.Price.Mul(first.Buy.OriginalQuantity)
	if p.OpenPositions != 1 || !p.Invested.Equal(cost) || !p.LastPrice.Equal(decimal.New(49, -2)) || p.Unrealized == nil || !p.Unrealized.Equal(worth) {
		t.Errorf("profit %+v; want %s invested at a last price of 0.49, which is worth %s", p, cost, worth)
	}
	if fee := first.Buy.OriginalQuantity.Sub(p.Held); fee.Sign() <= 0 {
		t.Errorf("held %s of %s bought: the commission is not taken off", p.Held, first.Buy.OriginalQuantity)
	}

	waitFor(t, "the sell", func() ([]api.Position, bool) {
		p, err := n.Positions(t.Context(), "XRPUSDT", false)
		return p, err == nil && len(p) == 1 && p[0].Sell != nil
	})
	p = profitOf(t, n, "the cycle to end", func(p api.Profit) bool {
		m.pass(t, nextTrade(m), "0.52") // the trade after the news of the sell ends it
		return p.Cycles == 1
	})
	all, err := n.Positions(t.Context(), "XRPUSDT", true)
	if err != nil || all[0].State != "finished" {
		t.Fatalf("positions %+v, %v", all, err)
	}
	if !p.Profit.Equal(all[0].Profit) || p.Profit.Sign() <= 0 || !p.ProfitDay.Equal(p.Profit) || !p.ProfitWeek.Equal(p.Profit) {
		t.Errorf("profit %+v, want %s, today and this week too", p, all[0].Profit)
	}
	if p.BaseAsset != "XRP" || p.QuoteAsset != "USDT" || !p.Held.IsZero() || p.Unrealized == nil || !p.Unrealized.IsZero() {
		t.Errorf("profit %+v, want XRP for USDT with nothing held", p)
	}

	// Without a trader the stored orders tell what is held.
	second := bought("0.52")
	waitFor(t, "the second sell", func() ([]api.Position, bool) {
		p, err := n.Positions(t.Context(), "XRPUSDT", false)
		return p, err == nil && len(p) == 1 && p[0].Sell != nil && p[0].Buy.Status == exchange.Filled
	})
	n.must(t, "XRPUSDT", api.Change{TradingStatus: ptr("off"), Streaming: ptr(false)})
	p = profitOf(t, n, "what is held without a trader", func(p api.Profit) bool { return p.Held.Sign() > 0 })
	if !p.Held.Equal(second.Buy.OriginalQuantity) || p.LastPrice == nil || !p.LastPrice.Equal(decimal.New(49, -2)) {
		t.Errorf("profit %+v, want %s held at a last price of 0.49", p, second.Buy.OriginalQuantity)
	}
	for _, symbol := range []string{"NOPE", "no/pe"} {
		if _, err := n.Profit(t.Context(), symbol); err == nil {
			t.Errorf("profit of %q is answered", symbol)
		}
	}
}

func TestProfitIsTheSameOnEveryNode(t *testing.T) {
	c := newTeam(t, quietMarket(t), "n1", "n2")
	settings := everything()
	settings.Chunks = ptr(1)
	c.any().must(t, "XRPUSDT", settings)
	waitFor(t, "a buy to be filled", func() ([]api.Position, bool) {
		c.market.pass(t, nextTrade(c.market), "0.5")
		c.market.pass(t, nextTrade(c.market), "0.49")
		p, err := c.any().Positions(t.Context(), "XRPUSDT", false)
		return p, err == nil && len(p) == 1 && p[0].Buy != nil && p[0].Buy.Status == exchange.Filled
	})
	for _, r := range c.members {
		profitOf(t, r, "what the owner's trader holds", func(p api.Profit) bool {
			return p.OpenPositions == 1 && p.Held.Sign() > 0 && p.Invested.Sign() > 0 && p.LastPrice != nil && p.Unrealized != nil
		})
	}
}

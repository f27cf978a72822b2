package node

import (
	"context"
	"errors"
	"fmt"

	"hedgehog/data/bus"
	"hedgehog/node/api"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// errConflict is returned for a change that the present state does not allow.
var errConflict = errors.New("not possible now")

// errInvalid is returned for a change whose values are out of range.
var errInvalid = errors.New("invalid settings")

// change changes a symbol's settings, stores them, and starts and stops parts
// until what runs is what they say. It returns the settings as they then are.
func (n *Node) change(ctx context.Context, symbol string, c api.Change) (api.Settings, error) {
	if _, err := n.symbol(symbol); err != nil {
		return api.Settings{}, err
	}
	g := n.group(symbol)
	g.changing.Lock()
	defer g.changing.Unlock()
	stored, err := n.store.db.Settings(ctx, symbol)
	if err != nil {
		return api.Settings{}, err
	}
	if err := n.check(stored, c); err != nil {
		return api.Settings{}, fmt.Errorf("%s: %w", symbol, err)
	}
	if err := n.storeChange(ctx, symbol, c); err != nil {
		return api.Settings{}, err
	}
	return n.apply(ctx, g)
}

// check refuses a change that can't be right, before any of it is stored.
func (n *Node) check(stored storage.Settings, c api.Change) error {
	t := stored.Trading
	withTrading(&t, c)
	s := stored
	s.Trading = t
	if err := tradingSettings(s).Validate(); err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	if c.TradingStatus == nil {
		return nil
	}
	switch t.Status {
	case storage.TradingOn:
		if !n.mayTrade() {
			return fmt.Errorf("%w: trading needs an account: set HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET and start the node again", errConflict)
		}
	case storage.TradingShutdown:
		if stored.Trading.Status == storage.TradingOff {
			return fmt.Errorf("%w: trading is off, there is nothing to shut down", errConflict)
		}
	}
	return nil
}

func (n *Node) storeChange(ctx context.Context, symbol string, c api.Change) error {
	db := n.store.db
	if c.Streaming != nil {
		if err := db.SetStreaming(ctx, symbol, *c.Streaming); err != nil {
			return err
		}
	}
	if c.Aggregating != nil {
		if err := db.SetAggregating(ctx, symbol, *c.Aggregating); err != nil {
			return err
		}
	}
	for what, on := range map[storage.Collectable]*bool{
		storage.CollectTradeEvents: c.CollectTrades,
		storage.CollectOrders:      c.CollectOrders,
		storage.CollectOHLC:        c.CollectOHLC,
	} {
		if on == nil {
			continue
		}
		if err := db.SetCollecting(ctx, symbol, what, *on); err != nil {
			return err
		}
	}
	if c.TradingStatus == nil && c.Chunks == nil && c.Budget == nil && c.BuyDownInterval == nil && c.ProfitTarget == nil && c.RebuyInterval == nil {
		return nil
	}
	_, err := db.UpdateTrading(ctx, symbol, func(t *storage.Trading) error {
		withTrading(t, c)
		return nil
	})
	return err
}

// withTrading puts the changed trading settings into t.
func withTrading(t *storage.Trading, c api.Change) {
	if c.TradingStatus != nil {
		t.Status = storage.TradingStatus(*c.TradingStatus)
	}
	if c.Chunks != nil {
		t.Chunks = *c.Chunks
	}
	if c.Budget != nil {
		t.Budget = *c.Budget
	}
	if c.BuyDownInterval != nil {
		t.BuyDownInterval = *c.BuyDownInterval
	}
	if c.ProfitTarget != nil {
		t.ProfitTarget = *c.ProfitTarget
	}
	if c.RebuyInterval != nil {
		t.RebuyInterval = *c.RebuyInterval
	}
}

// apply makes what runs of the group agree with what is stored. The caller holds
// g.changing.
func (n *Node) apply(ctx context.Context, g *group) (api.Settings, error) {
	s, err := n.store.db.Settings(ctx, g.symbol)
	if err != nil {
		return api.Settings{}, err
	}
	if err := g.apply(wantedBy(s)); err != nil {
		return api.Settings{}, err
	}
	if g.part(partTrade) != nil {
		t := tradingSettings(s)
		if err := n.bus.Publish(ctx, bus.Settings(g.symbol), &t); err != nil {
			return api.Settings{}, err
		}
	}
	return settingsOf(s), nil
}

// applyStored starts what is switched on for a symbol.
func (n *Node) applyStored(ctx context.Context, symbol string) error {
	g := n.group(symbol)
	g.changing.Lock()
	defer g.changing.Unlock()
	_, err := n.apply(ctx, g)
	return err
}

// turnTradingOff ends a completed shutdown, unless trading was turned on again
// meanwhile.
func (n *Node) turnTradingOff(ctx context.Context, symbol string) error {
	g := n.group(symbol)
	g.changing.Lock()
	defer g.changing.Unlock()
	s, err := n.store.db.Settings(ctx, symbol)
	if err != nil {
		return err
	}
	if s.Trading.Status == storage.TradingShutdown {
		if err := n.store.db.SetTradingStatus(ctx, symbol, storage.TradingOff); err != nil {
			return err
		}
		n.log.Info("trading shut down", "symbol", symbol)
	} else if err := g.stop(partTrade); err != nil { // its trader has ended: start another
		return err
	}
	_, err = n.apply(ctx, g)
	return err
}

// wantedBy says which parts the settings ask for. A symbol that is traded has
// its orders and positions stored, whatever is collected beside.
func wantedBy(s storage.Settings) wanted {
	w := wanted{stream: s.Streaming, aggregate: s.Aggregating, trade: s.Trading.Status != storage.TradingOff}
	if s.Collecting.TradeEvents {
		w.topics = append(w.topics, bus.TradeEvents(s.Symbol))
	}
	if s.Collecting.OHLC {
		w.topics = append(w.topics, bus.OHLC(s.Symbol))
	}
	if s.Collecting.Orders || w.trade {
		w.topics = append(w.topics, bus.Orders(s.Symbol))
	}
	if w.trade {
		w.topics = append(w.topics, bus.Positions(s.Symbol))
	}
	return w
}

func tradingSettings(s storage.Settings) naive.Settings {
	return naive.Settings{
		Symbol: s.Symbol, Status: naive.Status(s.Trading.Status), Chunks: s.Trading.Chunks, Budget: s.Trading.Budget,
		BuyDownInterval: s.Trading.BuyDownInterval, ProfitTarget: s.Trading.ProfitTarget, RebuyInterval: s.Trading.RebuyInterval,
	}
}

func settingsOf(s storage.Settings) api.Settings {
	return api.Settings{
		Symbol: s.Symbol, Streaming: s.Streaming, Aggregating: s.Aggregating,
		Collecting: api.Collecting(s.Collecting),
		Trading: api.Trading{
			Status: string(s.Trading.Status), Chunks: s.Trading.Chunks, Budget: s.Trading.Budget,
			BuyDownInterval: s.Trading.BuyDownInterval, ProfitTarget: s.Trading.ProfitTarget, RebuyInterval: s.Trading.RebuyInterval,
		},
	}
}

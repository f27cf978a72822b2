package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hedgehog/data/bus"
	"hedgehog/node/api"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// errConflict is returned for a change that the present state does not allow.
var errConflict = errors.New("not possible now")

// errInvalid is returned for a change whose values are out of range.
var errInvalid = errors.New("invalid settings")

// changeTimeout is how long a change waits for a leader.
const changeTimeout = 10 * time.Second

// carryThrough returns the context of a change that goes on when its caller goes
// away, for what was stored has to run. It ends with the node's part in the cluster.
func (n *Node) carryThrough(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	stop := context.AfterFunc(n.membership, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// change changes a symbol's settings in the whole cluster and returns them as
// they then are. What they ask for is started and stopped on the symbol's owner.
func (n *Node) change(ctx context.Context, symbol string, c api.Change) (api.Settings, error) {
	stored, err := n.store.db.Settings(ctx, symbol)
	if err != nil {
		return api.Settings{}, n.unknownSymbol(symbol, err)
	}
	if err := n.check(stored, c); err != nil {
		return api.Settings{}, fmt.Errorf("%s: %w", symbol, err)
	}
	ctx, cancel := n.carryThrough(ctx)
	defer cancel()
	result, err := n.propose(ctx, storage.Command{Settings: &storage.SettingsChange{
		Symbol: symbol, Streaming: c.Streaming, Aggregating: c.Aggregating,
		CollectTrades: c.CollectTrades, CollectOrders: c.CollectOrders, CollectOHLC: c.CollectOHLC,
		TradingStatus: c.TradingStatus, Chunks: c.Chunks, Budget: c.Budget,
		BuyDownInterval: c.BuyDownInterval, ProfitTarget: c.ProfitTarget, RebuyInterval: c.RebuyInterval,
	}})
	if err != nil {
		return api.Settings{}, fmt.Errorf("%s: %w", symbol, err)
	}
	if result.Settings == nil {
		return api.Settings{}, fmt.Errorf("%s: the change was committed without an answer", symbol)
	}
	return settingsOf(*result.Settings), nil
}

// unknownSymbol says better why a symbol is not known, where that is possible.
func (n *Node) unknownSymbol(symbol string, err error) error {
	if _, better := n.symbol(symbol); errors.Is(err, storage.ErrUnknownSymbol) && better != nil {
		return better
	}
	return err
}

// check refuses a change that can't be right, before it is proposed.
func (n *Node) check(stored storage.Settings, c api.Change) error {
	s := changed(tradingSettings(stored), c)
	if err := s.Validate(); err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	switch {
	case c.TradingStatus == nil:
	case s.Status == naive.On && !n.mayTrade():
		return fmt.Errorf("%w: trading needs an account: set HEDGEHOG_API_KEY and HEDGEHOG_API_SECRET and start the node again", errConflict)
	case s.Status == naive.Shutdown && stored.Trading.Status == storage.TradingOff:
		return fmt.Errorf("%w: trading is off, there is nothing to shut down", errConflict)
	}
	return nil
}

// changed returns trading settings as a change would have them.
func changed(s naive.Settings, c api.Change) naive.Settings {
	if c.TradingStatus != nil {
		s.Status = naive.Status(*c.TradingStatus)
	}
	if c.Chunks != nil {
		s.Chunks = *c.Chunks
	}
	if c.Budget != nil {
		s.Budget = *c.Budget
	}
	if c.BuyDownInterval != nil {
		s.BuyDownInterval = *c.BuyDownInterval
	}
	if c.ProfitTarget != nil {
		s.ProfitTarget = *c.ProfitTarget
	}
	if c.RebuyInterval != nil {
		s.RebuyInterval = *c.RebuyInterval
	}
	return s
}

// turnTradingOff ends a completed shutdown. storage.ErrConflict says that trading
// was turned on again meanwhile.
func (n *Node) turnTradingOff(ctx context.Context, symbol string) error {
	off := string(storage.TradingOff)
	_, err := n.propose(ctx, storage.Command{Settings: &storage.SettingsChange{
		Symbol: symbol, TradingStatus: &off, ExpectTradingStatus: string(storage.TradingShutdown),
	}})
	if err == nil {
		n.log.Info("trading shut down", "symbol", symbol)
	}
	return err
}

// publishSettings tells a symbol's trader, if one runs here, what to go by now.
func (n *Node) publishSettings(ctx context.Context, s storage.Settings) error {
	t := tradingSettings(s)
	return n.bus.Publish(ctx, bus.Settings(s.Symbol), &t)
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

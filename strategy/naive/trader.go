package naive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
)

// ErrShutDown is returned by Run when trading was shut down and the last
// position is over. The symbol's trading is to be turned off.
var ErrShutDown = errors.New("trading is shut down")

// Exchange is what the trader asks of the exchange.
type Exchange interface {
	PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error)
	Order(ctx context.Context, ref exchange.OrderRef) (exchange.Order, error)
	OpenOrders(ctx context.Context, symbol string) ([]exchange.Order, error)
	AllOrders(ctx context.Context, symbol string, fromID int64, limit int) ([]exchange.Order, error)
	Fills(ctx context.Context, symbol string, orderID int64) ([]exchange.Fill, error)
}

// Publisher takes the positions, *Position each, as they change.
type Publisher interface {
	Publish(ctx context.Context, e bus.Event) error
}

// Config is what a trader needs to know.
type Config struct {
	Symbol exchange.Symbol
	// Fee is the share that the exchange takes per side; DefaultFee where the
	// account does not tell.
	Fee      decimal.Decimal
	Settings Settings
	// Restore are the open positions of an earlier run, as they were last
	// stored; they may be behind what the exchange knows.
	Restore []Position
	// Over are the positions of earlier runs whose end is stored. Finished ones
	// that the exchange has beside them and Restore are recorded when the trader
	// starts, unless they are older than all of these.
	Over map[PositionID]bool
	// Begin, where set, records the first position of a symbol of which nothing is
	// recorded, before its order is sent: what the exchange has of before is not
	// of this record. Until it has worked, nothing is bought.
	Begin func(ctx context.Context, p Position) error
	// Wait is how long a request of an earlier run may still be accepted by the
	// exchange: the trader lets it pass before it reads the orders. 0 where that is
	// ruled out, as after an earlier owner's lease has ended.
	Wait time.Duration
	// Finish is how long a request of this run may still be accepted after it was
	// sent: the receive window. A trader that is told to stop waits as long for
	// the outcome of what it has sent.
	Finish time.Duration
	// ActOn is the source of the trade events that are acted on: exchange.Live
	// everywhere but in a backtest.
	ActOn exchange.Source
	// Decided, where set, is told the id of each trade at which a position has
	// something to do, before it does it. The trader waits for it.
	Decided func(tradeID int64)
	// Jitter is by which part of itself a pause after failures varies at random.
	Jitter float64
	// Now is the clock that position ids and pauses after failures are taken from.
	Now func() time.Time
}

// Trader owns the positions of one symbol. New is the only way in. Run is called
// once: a new Trader, restored from what was stored, goes on where it ended.
type Trader struct {
	formula   Formula
	config    Config
	exchange  Exchange
	sub       *bus.Subscription
	publisher Publisher
	log       *slog.Logger

	settings  Settings
	positions []Position // open ones; before Run those to restore
	lastID    PositionID
	begun     bool // something is recorded, or need not be

	// quiet says that no position acts on a trade at rebuyBelow or above: the
	// hot path ends after one comparison.
	quiet      bool
	rebuyBelow decimal.Decimal

	failures   *backoff.ExponentialBackOff
	pauseUntil time.Time // no order is placed before
	lastError  string    // why the latest order was not placed
	refusal    string    // what tells that reason from others: each is logged once in a row

	status atomic.Pointer[TraderStatus]
}

// TraderStatus is what a trader tells of itself.
type TraderStatus struct {
	Positions []Position // open ones
	// LastError says why the latest order could not be placed; empty after one could.
	LastError string
}

// longestPause bounds the growing pauses after failures: so long a symbol may stand
// still after the exchange has come back.
const longestPause = 5 * time.Second

// New returns a trader that takes its events from sub, which has to cover the
// symbol's TRADE_EVENTS, ORDERS and SETTINGS, and publishes its positions as
// they change. The trader closes nothing that it was given. sub is nil for a trader
// that is not Run but handed its events by Handle.
func New(c Config, ex Exchange, positions Publisher, sub *bus.Subscription, log *slog.Logger) *Trader {
	failures := backoff.NewExponentialBackOff()
	failures.InitialInterval = time.Second
	failures.MaxInterval = longestPause
	failures.RandomizationFactor = c.Jitter
	t := &Trader{
		formula:   Formula{Symbol: c.Symbol, Fee: c.Fee},
		config:    c,
		exchange:  ex,
		sub:       sub,
		publisher: positions,
		log:       log.With("symbol", c.Symbol.Name),
		settings:  c.Settings,
		positions: slices.Clone(c.Restore),
		begun:     c.Begin == nil || len(c.Restore)+len(c.Over) > 0,
		failures:  failures,
	}
	t.status.Store(new(TraderStatus))
	return t
}

// Status returns the positions as they are, and the latest failure. Of a trader that is
// handed its events it is for the goroutine that does so, and the positions are valid
// until the next one.
func (t *Trader) Status() TraderStatus {
	if t.sub == nil {
		return TraderStatus{Positions: t.positions, LastError: t.lastError}
	}
	return *t.status.Load()
}

// Run trades until ctx ends (it returns ctx's cause), the shutdown is complete
// (ErrShutDown), or something fails that a new Trader may mend: orders that are
// under way at the exchange are then found again by their client order ids.
func (t *Trader) Run(ctx context.Context) error {
	if err := t.Restore(ctx); err != nil {
		return err
	}
	for {
		m, err := t.sub.Next(ctx)
		if err != nil {
			return err
		}
		if err := t.Handle(ctx, m.Event); err != nil {
			return err
		}
	}
}

// Handle deals with one event, as Run does with those of the subscription: a
// *exchange.TradeEvent, *exchange.OrderUpdate or *Settings. It is for one goroutine,
// after Restore, and returns what Run returns.
func (t *Trader) Handle(ctx context.Context, event bus.Event) error {
	switch e := event.(type) {
	case *exchange.TradeEvent:
		return t.onTrade(ctx, e)
	case *exchange.OrderUpdate:
		return t.onNews(ctx, e)
	case *Settings:
		return t.onSettings(ctx, *e)
	default:
		return fmt.Errorf("trader %s: event of type %T", t.config.Symbol.Name, event)
	}
}

// Quiet returns the price from which on upwards a trade makes no position act;
// false when every trade may. It holds until the next event is handled.
func (t *Trader) Quiet() (from decimal.Decimal, ok bool) { return t.rebuyBelow, t.quiet }

func (t *Trader) onTrade(ctx context.Context, e *exchange.TradeEvent) error {
	if e.Source != t.config.ActOn || t.quiet && e.Price.Cmp(t.rebuyBelow) >= 0 {
		return nil
	}
	count := len(t.positions) // one that starts now waits for the next event
	for i := range count {
		p, d := t.formula.Step(t.positions[i], Event{Price: e.Price, TradeID: e.ID}, t.settings, len(t.positions)-t.ended())
		if d.Action != Nothing && t.config.Decided != nil {
			t.config.Decided(e.ID)
		}
		if err := t.carryOut(ctx, i, p, d, e.Price); err != nil {
			return err
		}
	}
	return t.settle()
}

// onNews gives news to the position whose order they speak of. Other positions
// learn nothing from them.
func (t *Trader) onNews(ctx context.Context, u *exchange.OrderUpdate) error {
	name, err := ParseOrderName(u.ClientID)
	if err != nil {
		return nil // an order placed by hand or by another program
	}
	for i := range t.positions {
		if t.positions[i].ID != name.Position {
			continue
		}
		p, d := t.formula.Step(t.positions[i], Event{News: u}, t.settings, len(t.positions))
		if err := t.carryOut(ctx, i, p, d, decimal.Zero); err != nil {
			return err
		}
		break
	}
	return t.settle()
}

func (t *Trader) onSettings(ctx context.Context, s Settings) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("trader %s: settings: %w", t.config.Symbol.Name, err)
	}
	t.settings = s
	t.refuse(nil)
	t.pauseUntil = time.Time{}
	if s.Status == Shutdown {
		for i, p := range t.positions {
			if p.Buy == nil {
				if err := t.replace(ctx, i, over(p, Dropped)); err != nil {
					return err
				}
			}
		}
	}
	return t.settle()
}

// replace puts p in place i and publishes it when it differs from what was there.
func (t *Trader) replace(ctx context.Context, i int, p Position) error {
	old := &t.positions[i]
	changed := p.State != old.State || p.RebuyTriggered != old.RebuyTriggered || p.Buy != old.Buy || p.Sell != old.Sell
	if changed && p.State != Open {
		p.EndTime = exchange.MicrosOf(t.config.Now())
	}
	t.positions[i] = p
	if !changed {
		return nil
	}
	if p.State == Finished {
		t.log.Info("cycle finished", "position", p.ID, "profit", p.Profit)
	}
	news := p // p itself stays on the stack: mostly nothing has changed
	return t.publisher.Publish(ctx, &news)
}

// fresh starts a position. It is published with its first order.
func (t *Trader) fresh(parent PositionID, slot int) Position {
	now := t.config.Now()
	t.lastID = newPositionID(t.config.Symbol.Name, now, t.lastID)
	return Position{
		Symbol: t.config.Symbol.Name, ID: t.lastID, Parent: parent, Slot: slot,
		State: Open, StartTime: exchange.MicrosOf(now),
	}
}

func (t *Trader) nextSlot() int {
	next := 0
	for _, p := range t.positions {
		next = max(next, p.Slot+1)
	}
	return next
}

// ended counts the positions that are over and not removed yet.
func (t *Trader) ended() int {
	n := 0
	for i := range t.positions {
		if t.positions[i].State != Open {
			n++
		}
	}
	return n
}

// settle removes what is over, works out what the hot path may pass over, and
// reports the shutdown's end.
func (t *Trader) settle() error {
	t.positions = slices.DeleteFunc(t.positions, func(p Position) bool { return p.State != Open })
	if len(t.positions) == 0 && t.settings.Status != Shutdown {
		t.positions = append(t.positions, t.fresh(0, 0))
	}
	t.arm()
	if t.sub != nil {
		t.publishStatus()
	}
	if len(t.positions) == 0 {
		return ErrShutDown
	}
	return nil
}

// arm computes what the next trades are compared with. Prices come with eight
// decimals; giving the threshold as many keeps the comparison on integers.
func (t *Trader) arm() {
	t.quiet = true
	t.rebuyBelow = decimal.Zero
	var highest decimal.Decimal // price that a rebuy is reckoned from
	for i := range t.positions {
		p := &t.positions[i]
		resting := p.Buy != nil && !p.Buy.Status.Done() || p.Sell != nil && !p.Sell.Status.Done()
		if !resting {
			t.quiet = false
			return
		}
		if p.RebuyTriggered || t.settings.Status == Shutdown || len(t.positions) >= t.settings.Chunks {
			continue
		}
		if highest.IsZero() || p.Buy.Price.GreaterThan(highest) {
			highest = p.Buy.Price
		}
	}
	if highest.IsZero() {
		return
	}
	// Rounding up is safe: a price in between takes the long way, which is exact.
	t.rebuyBelow = RebuyBelow(highest, t.settings.RebuyInterval)
	t.rebuyBelow = decimal.NewFromBigInt(t.rebuyBelow.RoundCeil(pricePlaces).Shift(pricePlaces).BigInt(), -pricePlaces)
}

// pricePlaces is how many decimals the exchange writes prices with.
const pricePlaces = 8

func (t *Trader) publishStatus() {
	t.status.Store(&TraderStatus{Positions: slices.Clone(t.positions), LastError: t.lastError})
}

package backtest

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/strategy/naive"
)

const (
	account = "backtest"
	// kept is how many trades, closed orders and fills the engine remembers: more than
	// the trader may ask about.
	kept = 1000
	// progressEvery is how many trades pass between two reports of progress.
	progressEvery = 1 << 20
	// mostCalm is how many trades are passed at once: few enough that they are still in
	// the cache when the engine counts them.
	mostCalm = 2048
)

// run is one backtest under way.
type run struct {
	config Config
	engine *sim.Engine
	trader *naive.Trader
	feed   feed
	ledger *ledger
	curve  curve
	log    orderLog
	cycles cycles

	now   exchange.Micros // of the exchange and the trader
	first exchange.Tick
	queue []bus.Event // what the trader has not learnt of yet
	band  band
	fault error // of a hook, found where it can't be returned

	refused              int
	refusal, lastRefusal string
	nextProgress         int64
}

// Run tries the settings on the trades and returns what came of it: an error where
// config is out of range, trades are missing or out of order, there are none
// (ErrNoTrades), or ctx ends (its cause). It calls the config's hooks in the calling
// goroutine.
func Run(ctx context.Context, config Config, ticks Ticks) (Result, error) {
	config.Settings.Status = naive.On
	if err := config.Validate(); err != nil {
		return Result{}, fmt.Errorf("backtest: %w", err)
	}
	pull, stop := iter.Pull2(ticks)
	defer stop()
	r := &run{
		config:       config,
		ledger:       newLedger(config.Symbol, config.Settings.Budget),
		feed:         feed{symbol: config.Symbol.Name, holes: config.AllowHoles, pull: pull},
		log:          orderLog{hand: config.Order},
		nextProgress: progressEvery,
	}
	if err := r.start(ctx); err != nil {
		return Result{}, fmt.Errorf("backtest %s: %w", config.Symbol.Name, err)
	}
	defer r.engine.Close() // nothing is open that could fail
	if err := r.all(ctx); err != nil {
		return Result{}, fmt.Errorf("backtest %s: %w", config.Symbol.Name, err)
	}
	return r.result(), nil
}

// start builds exchange and trader.
func (r *run) start(ctx context.Context) error {
	market := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{r.config.Symbol}))
	market.Commission = r.config.Commission
	market.PartialFills = r.config.PartialFills
	market.KeepTrades, market.KeepOrders, market.KeepFills = kept, kept, kept
	// The budget bounds what is spent. A balance would refuse what the settings allow
	// after losses, which no account that holds more than the budget does.
	market.Balances = map[string]decimal.Decimal{r.config.Symbol.QuoteAsset: decimal.New(1, 18)}
	market.Now = r.clock
	var err error
	if r.engine, err = sim.New(market); err != nil {
		return err
	}
	r.engine.SubscribeReports(account, r.report)
	r.trader = naive.New(naive.Config{
		Symbol:   r.config.Symbol,
		Fee:      r.config.Commission,
		Settings: r.config.Settings,
		ActOn:    exchange.Replay,
		Now:      r.clock,
	}, desk{sim.NewLocal(r.engine, account, account), r}, &r.cycles, nil, r.config.Log)
	return nil
}

func (r *run) clock() time.Time { return r.now.Time() }

// all passes all trades.
func (r *run) all(ctx context.Context) error {
	if ok, err := r.feed.more(ctx); err != nil {
		return err
	} else if !ok {
		return ErrNoTrades
	}
	r.first = r.feed.rest()[0]
	r.now = r.first.Time
	r.ledger.since = r.now
	if r.config.NoCurve {
		r.curve.due = math.MaxInt64
	}
	if err := r.trader.Restore(ctx); err != nil {
		return err
	}
	for {
		if err := r.deliver(ctx); err != nil {
			return err
		}
		if ok, err := r.feed.more(ctx); err != nil {
			return err
		} else if !ok {
			break
		}
		if err := r.passCalm(); err != nil {
			return err
		}
		if len(r.feed.rest()) > 0 {
			if err := r.pass(); err != nil {
				return err
			}
		}
	}
	if !r.config.NoCurve {
		r.curve.close(r.ledger)
	}
	return r.log.flush(true)
}

// passCalm passes the trades that are there up to the first that may change
// something. They leave the account as it is, also where they begin a new point of
// the curve.
func (r *run) passCalm() error {
	rest := r.feed.rest()
	rest = rest[:min(len(rest), mostCalm)]
	id, at := r.feed.last.ID, r.feed.last.Time
	open, band, due := &r.curve.open, r.band, r.curve.due
	low, high, last := open.Low, open.High, open.Close
	n := 0
	for ; n < len(rest); n++ {
		t := &rest[n]
		if t.Price < band.low || t.Price > band.high || t.ID != id+1 || t.Time < at {
			break
		}
		if t.Time >= due {
			open.Low, open.High, open.Close = low, high, last
			r.curve.next(*t, r.ledger)
			low, high, due = t.Price, t.Price, r.curve.due
		}
		id, at, last = t.ID, t.Time, t.Price
		low, high = min(low, last), max(high, last)
	}
	if n == 0 {
		return nil
	}
	open.Low, open.High, open.Close = low, high, last
	calm, err := r.feed.take(n)
	if err != nil {
		return err
	}
	r.now = at
	r.progress()
	return r.engine.Pass(r.config.Symbol.Name, calm)
}

// pass passes one trade that may change something.
func (r *run) pass() error {
	taken, err := r.feed.take(1)
	if err != nil {
		return err
	}
	t := taken[0]
	r.now = t.Time
	r.progress()
	if t.Time >= r.curve.due {
		r.curve.next(t, r.ledger)
	} else {
		r.curve.open.Low, r.curve.open.High, r.curve.open.Close = min(r.curve.open.Low, t.Price), max(r.curve.open.High, t.Price), t.Price
	}
	if !r.band.acts(t.Price) && len(r.queue) == 0 {
		r.mark(t.Price)
		return r.engine.Pass(r.config.Symbol.Name, taken)
	}
	event := t.Event(r.config.Symbol.Name)
	r.queue = append(r.queue, &event)
	r.ledger.mark(t.Price)
	if err := r.engine.Trade(event); err != nil {
		return err
	}
	r.mark(t.Price)
	return r.fault
}

// mark notes what the account is worth at the price.
func (r *run) mark(price exchange.Units) {
	r.ledger.mark(price)
	r.band.narrow(r.ledger)
}

// deliver tells the trader what has happened, and what followed from that. Then it
// is known which trades will change nothing.
func (r *run) deliver(ctx context.Context) error {
	if len(r.queue) == 0 {
		return nil
	}
	for len(r.queue) > 0 {
		event := r.queue[0]
		r.queue = r.queue[1:]
		if err := r.trader.Handle(ctx, event); err != nil {
			return err
		}
		if r.fault != nil {
			return r.fault
		}
		r.noteRefusal()
	}
	r.queue = nil
	if err := r.log.flush(false); err != nil {
		return err
	}
	return r.look()
}

// noteRefusal counts the orders that could not be placed: a reason that is new or
// was gone in between.
func (r *run) noteRefusal() {
	if err := r.trader.Status().LastError; err != r.refusal {
		if r.refusal = err; err != "" {
			r.refused++
			r.lastRefusal = err
		}
	}
}

// look works out the band of prices at which nothing happens.
func (r *run) look() error {
	low, high, err := r.engine.Calm(r.config.Symbol.Name)
	if err != nil {
		return err
	}
	r.band = band{calmLow: low, calmHigh: high}
	from, quiet := r.trader.Quiet()
	if !quiet {
		r.band.calmLow, r.band.calmHigh = 1, 0
	} else if units, ok := exchange.UnitsOf(from.RoundCeil(exchange.UnitPlaces)); ok {
		r.band.calmLow = max(r.band.calmLow, units)
	} else {
		r.band.calmLow = math.MaxInt64
	}
	r.band.narrow(r.ledger)
	return nil
}

// report takes the engine's news of an order, under its lock.
func (r *run) report(report *sim.Report) {
	update := report.Update
	r.queue = append(r.queue, &update)
	r.log.note(update.Order)
	for _, f := range update.Fills {
		r.ledger.apply(f)
		if r.config.Fill != nil && r.fault == nil {
			r.fault = r.config.Fill(f)
		}
	}
}

func (r *run) progress() {
	if r.config.Progress != nil && r.feed.trades >= r.nextProgress {
		r.nextProgress = r.feed.trades + progressEvery
		r.config.Progress(r.feed.trades, r.now)
	}
}

// band are the prices, both ends included, at which a trade needs no more than to
// be counted.
type band struct {
	calmLow, calmHigh exchange.Units // no order fills and no position acts
	low, high         exchange.Units // and the account's worth is nothing to note
}

func (b *band) acts(price exchange.Units) bool { return price < b.calmLow || price > b.calmHigh }

func (b *band) narrow(l *ledger) {
	b.low, b.high = max(b.calmLow, l.low), min(b.calmHigh, l.high)
}

// cycles takes the positions that the trader publishes.
type cycles struct {
	finished, won int
	earned, lost  decimal.Decimal // by the cycles that won and by the others
}

// Publish counts a position that has finished.
func (c *cycles) Publish(_ context.Context, e bus.Event) error {
	p, ok := e.(*naive.Position)
	if !ok {
		return fmt.Errorf("position of type %T", e)
	}
	if p.State != naive.Finished {
		return nil
	}
	c.finished++
	if p.Profit.Sign() > 0 {
		c.won++
		c.earned = c.earned.Add(p.Profit)
	} else {
		c.lost = c.lost.Sub(p.Profit)
	}
	return nil
}

// desk is the exchange as the trader reaches it.
type desk struct {
	*sim.Local
	run *run
}

// PlaceLimitOrder lets the trades pass of the time that the order takes to arrive.
func (d desk) PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	if d.run.config.Latency > 0 {
		if err := d.run.wait(ctx, d.run.now+exchange.Micros(d.run.config.Latency.Microseconds())); err != nil {
			return exchange.OrderUpdate{}, err
		}
	}
	return d.Local.PlaceLimitOrder(ctx, o)
}

// wait passes the trades before the time. The trader learns of them later.
func (r *run) wait(ctx context.Context, until exchange.Micros) error {
	r.band = band{calmLow: 1} // it is not known what will be calm by then
	for {
		ok, err := r.feed.more(ctx)
		if err != nil {
			return err
		}
		if !ok || r.feed.rest()[0].Time >= until {
			r.now = max(r.now, until)
			return nil
		}
		if err := r.pass(); err != nil {
			return err
		}
	}
}

// orderLog hands out the orders in the order of creation once nothing more will
// come of them.
type orderLog struct {
	hand   func(exchange.Order) error
	placed int
	// waiting begins with an order that is not done. Those behind it may be.
	waiting []exchange.Order
}

func (l *orderLog) note(o exchange.Order) {
	if o.Status == exchange.New {
		l.placed++
	}
	if l.hand == nil {
		return
	}
	for i := len(l.waiting) - 1; i >= 0; i-- {
		if l.waiting[i].ID == o.ID {
			l.waiting[i] = o
			return
		}
	}
	l.waiting = append(l.waiting, o)
}

// flush hands out what is done, or all at the end.
func (l *orderLog) flush(all bool) error {
	n := 0
	for n < len(l.waiting) && (all || l.waiting[n].Status.Done()) {
		if err := l.hand(l.waiting[n]); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		l.waiting = append(l.waiting[:0], l.waiting[n:]...)
	}
	return nil
}

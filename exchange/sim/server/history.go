package server

import (
	"iter"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// page is how many trades are read from the engine at a time, so that its lock
// is never held long.
const page = 1000

// history yields the trades of symbol that the engine keeps, oldest first. It
// ends early with the engine's error, which it leaves in *failed.
func (s *Server) history(symbol string, failed *error) iter.Seq[exchange.TradeEvent] {
	return func(yield func(exchange.TradeEvent) bool) {
		for from := int64(1); ; {
			trades, err := s.engine.Trades(symbol, from, page)
			if err != nil {
				*failed = err
				return
			}
			for _, t := range trades {
				if !yield(t) {
					return
				}
			}
			if len(trades) < page {
				return
			}
			from = trades[len(trades)-1].ID + 1
		}
	}
}

// run groups consecutive trades: join adds a trade to the group that it belongs
// to, or says that it belongs to the next, which begin makes.
func run[T any](trades iter.Seq[exchange.TradeEvent], begin func(exchange.TradeEvent) T, join func(*T, exchange.TradeEvent) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		var group T
		open := false
		for t := range trades {
			if open && join(&group, t) {
				continue
			}
			if open && !yield(group) {
				return
			}
			group, open = begin(t), true
		}
		if open {
			yield(group)
		}
	}
}

// pick returns up to limit of the items that fit: the first ones, or, where
// newest is set, the last ones.
func pick[T any](items iter.Seq[T], fits func(T) bool, limit int, newest bool) []T {
	found := []T{}
	for item := range items {
		if !fits(item) {
			continue
		}
		if len(found) == limit && !newest {
			break
		}
		found = append(found, item)
		if newest && len(found) >= 2*limit {
			found = slices.Delete(found, 0, len(found)-limit)
		}
	}
	return found[max(0, len(found)-limit):]
}

// aggregate is a run of trades of the same price, time and maker side.
type aggregate struct {
	exchange.TradeEvent // the first; its quantity is that of all
	last                int64
}

func beginAggregate(t exchange.TradeEvent) aggregate { return aggregate{t, t.ID} }

func joinAggregate(a *aggregate, t exchange.TradeEvent) bool {
	if t.TradeTime != a.TradeTime || t.BuyerIsMaker != a.BuyerIsMaker || !t.Price.Equal(a.Price) {
		return false
	}
	a.Quantity = a.Quantity.Add(t.Quantity)
	a.last = t.ID
	return true
}

type aggregateJSON struct {
	ID           int64 `json:"a"`
	Price        fixed `json:"p"`
	Quantity     fixed `json:"q"`
	First        int64 `json:"f"`
	Last         int64 `json:"l"`
	Time         int64 `json:"T"`
	IsBuyerMaker bool  `json:"m"`
	IsBestMatch  bool  `json:"M"`
}

func (s *Server) aggTrades(r *request) (any, error) {
	symbol, fromID, limit := r.symbol(s), r.integer("fromId"), r.limit()
	start, end := r.span(false)
	if r.err != nil {
		return nil, r.err
	}
	fits := func(a aggregate) bool {
		return a.ID >= fromID && a.TradeTime >= start && (end == 0 || a.TradeTime <= end)
	}
	var failed error
	found := pick(run(s.history(symbol.Name, &failed), beginAggregate, joinAggregate), fits, limit, !r.has("fromId") && start == 0)
	answer := make([]aggregateJSON, 0, len(found))
	for _, a := range found {
		answer = append(answer, aggregateJSON{
			ID: a.ID, Price: fixed{a.Price}, Quantity: fixed{a.Quantity}, First: a.ID, Last: a.last,
			Time: r.unit.of(a.TradeTime), IsBuyerMaker: a.BuyerIsMaker, IsBestMatch: true,
		})
	}
	return answer, failed
}

// kline is a candle with what the exchange tells beside it.
type kline struct {
	start                  exchange.Micros
	open, high, low, close decimal.Decimal
	volume, quote          decimal.Decimal // base asset, quote asset
	takerVolume            decimal.Decimal // bought by takers, base asset
	takerQuote             decimal.Decimal // likewise, quote asset
	trades                 int64
}

func (k *kline) add(t exchange.TradeEvent) {
	quote := t.Price.Mul(t.Quantity)
	k.high, k.low, k.close = decimal.Max(k.high, t.Price), decimal.Min(k.low, t.Price), t.Price
	k.volume, k.quote = k.volume.Add(t.Quantity), k.quote.Add(quote)
	if !t.BuyerIsMaker {
		k.takerVolume, k.takerQuote = k.takerVolume.Add(t.Quantity), k.takerQuote.Add(quote)
	}
	k.trades++
}

// intervals are the lengths of klines. Those of days and less begin at whole
// multiples of their length.
var intervals = map[string]time.Duration{
	"1s": time.Second,
	"1m": time.Minute, "3m": 3 * time.Minute, "5m": 5 * time.Minute, "15m": 15 * time.Minute, "30m": 30 * time.Minute,
	"1h": time.Hour, "2h": 2 * time.Hour, "4h": 4 * time.Hour, "6h": 6 * time.Hour, "8h": 8 * time.Hour, "12h": 12 * time.Hour,
	"1d": 24 * time.Hour,
}

// klines answers arrays: open time, open, high, low, close, volume, close time,
// quote volume, trades, volume and quote volume bought by takers, and a zero.
func (s *Server) klines(r *request) (any, error) {
	symbol, limit := r.symbol(s), r.limit()
	start, end := r.span(false)
	interval, known := intervals[r.text("interval")]
	if !known {
		r.fail(refuse(codeInvalidInterval, "Invalid interval."))
	}
	if r.err != nil {
		return nil, r.err
	}
	length := exchange.Micros(interval.Microseconds())
	begin := func(t exchange.TradeEvent) kline {
		k := kline{start: t.TradeTime - t.TradeTime%length, open: t.Price, high: t.Price, low: t.Price}
		k.add(t)
		return k
	}
	join := func(k *kline, t exchange.TradeEvent) bool {
		if t.TradeTime-t.TradeTime%length != k.start {
			return false
		}
		k.add(t)
		return true
	}
	fits := func(k kline) bool { return k.start >= start && (end == 0 || k.start <= end) }
	var failed error
	found := pick(run(s.history(symbol.Name, &failed), begin, join), fits, limit, start == 0)
	answer := make([][12]any, 0, len(found))
	for _, k := range found {
		answer = append(answer, [12]any{
			r.unit.of(k.start), fixed{k.open}, fixed{k.high}, fixed{k.low}, fixed{k.close}, fixed{k.volume},
			r.unit.last(k.start + length), fixed{k.quote}, k.trades, fixed{k.takerVolume}, fixed{k.takerQuote}, "0",
		})
	}
	return answer, failed
}

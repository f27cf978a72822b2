package aggregator

import "hedgehog/exchange"

// Candles are the open candles of one symbol, one for each length. The zero
// value has none.
type Candles struct {
	open [len(exchange.CandleMinutes)]exchange.Candle // Trades 0: none
	from [len(exchange.CandleMinutes)]exchange.Micros // trades before are in finished candles
}

// SkipUntil says that the candles of the given length are finished up to t:
// earlier trades no longer count for them.
func (c *Candles) SkipUntil(minutes int, t exchange.Micros) {
	for i, m := range exchange.CandleMinutes {
		if m == minutes {
			c.from[i] = t
		}
	}
}

// Drop forgets the open candles. What is finished stays so.
func (c *Candles) Drop() { clear(c.open[:]) }

// Add counts a trade and appends the candles that it closes to closed, shortest
// first. A trade whose time lies before the open candle counts for that candle:
// what is closed stays closed.
func (c *Candles) Add(t *exchange.TradeEvent, closed []*exchange.Candle) []*exchange.Candle {
	for i, minutes := range exchange.CandleMinutes {
		if t.TradeTime < c.from[i] {
			continue
		}
		candle := &c.open[i]
		start := exchange.CandleStart(t.TradeTime, minutes)
		if candle.Trades > 0 && start > candle.StartTime {
			finished := *candle
			closed = append(closed, &finished)
			candle.Trades = 0
		}
		if candle.Trades == 0 {
			*candle = exchange.Candle{
				Symbol: t.Symbol, Minutes: minutes, StartTime: start,
				Open: t.Price, High: t.Price, Low: t.Price,
			}
		}
		if t.Price.GreaterThan(candle.High) {
			candle.High = t.Price
		}
		if t.Price.LessThan(candle.Low) {
			candle.Low = t.Price
		}
		candle.Close = t.Price
		candle.Volume = candle.Volume.Add(t.Quantity)
		candle.Trades++
	}
	return closed
}

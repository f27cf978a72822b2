package aggregator_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/data/aggregator"
	"hedgehog/exchange"
)

// drawTrades returns trades with ids without a hole and times that never fall.
func drawTrades(rt *rapid.T, symbol string) []*exchange.TradeEvent {
	at := midnight + exchange.Micros(rapid.Int64Range(0, int64(day)).Draw(rt, "start"))
	id := rapid.Int64Range(1, 1000).Draw(rt, "first id")
	var trades []*exchange.TradeEvent
	for range rapid.IntRange(0, 60).Draw(rt, "trades") {
		// Prices of different lengths: as text 9.5 is above 10.
		price := decimal.New(rapid.Int64Range(1, 1200).Draw(rt, "price"), -rapid.Int32Range(0, 3).Draw(rt, "places"))
		trades = append(trades, &exchange.TradeEvent{
			Symbol: symbol, ID: id, TradeTime: at, Price: price, Quantity: decimal.New(rapid.Int64Range(1, 1000).Draw(rt, "quantity"), -2),
		})
		id++
		unit := rapid.SampledFrom([]exchange.Micros{1, second, minute, 60 * minute}).Draw(rt, "unit")
		at += unit * exchange.Micros(rapid.Int64Range(0, 30).Draw(rt, "pause"))
	}
	return trades
}

func TestCandlesAreThoseOfAPlainGroupingOfTheTrades(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		trades := drawTrades(rt, symbol)
		var candles aggregator.Candles
		var closed []*exchange.Candle
		for _, trade := range trades {
			closed = candles.Add(trade, closed)
		}
		for _, minutes := range exchange.CandleMinutes {
			wantCandles(rt, ofLength(closed, minutes), plainCandles(trades, int64(minutes)))
		}
	})
}

func TestCandlesOfARecordedDayAreThoseComputedApart(t *testing.T) {
	trades := recordedTrades(t)
	var candles aggregator.Candles
	var closed []*exchange.Candle
	for _, trade := range trades {
		closed = candles.Add(trade, closed)
	}
	// One more trade a day later closes what the day leaves open.
	next := trade(trades[len(trades)-1].ID+1, midnight+day, "0.00148021")
	closed = candles.Add(next, closed)
	for _, minutes := range exchange.CandleMinutes {
		want := plainCandles(append(trades, next), int64(minutes))
		wantCandles(t, ofLength(closed, minutes), want)
		var sum int64
		for _, c := range want {
			sum += c.Trades
		}
		if sum != 5929 {
			t.Errorf("the candles of %d minutes count %d trades, want 5929", minutes, sum)
		}
	}
	whole := ofLength(closed, 1440)
	if len(whole) != 1 || whole[0].StartTime != midnight {
		t.Errorf("candles of the day: %v, want one from its midnight on", whole)
	}
}

func TestATradeAtACandlesStartBelongsToIt(t *testing.T) {
	for i, minutes := range exchange.CandleMinutes {
		length := exchange.Micros(minutes) * minute
		var candles aggregator.Candles
		candles.Add(trade(1, midnight, "10"), nil)
		if closed := candles.Add(trade(2, midnight+length-1, "9.5"), nil); len(ofLength(closed, minutes)) != 0 {
			t.Errorf("the candle of %d minutes closes a microsecond before its end: %v", minutes, closed)
		}
		closed := candles.Add(trade(3, midnight+length, "11"), nil)
		if len(closed) != i+1 {
			t.Errorf("%d candles close after %d minutes, want all of up to that length", len(closed), minutes)
		}
		wantCandles(t, ofLength(closed, minutes), []exchange.Candle{{
			Symbol: symbol, Minutes: minutes, StartTime: midnight, Open: amount("10"), High: amount("10"), Low: amount("9.5"),
			Close: amount("9.5"), Volume: amount("4"), Trades: 2,
		}})
	}
}

func TestALateTradeCountsForTheOpenCandle(t *testing.T) {
	var candles aggregator.Candles
	candles.Add(trade(1, midnight+minute, "10"), nil)
	if closed := candles.Add(trade(2, midnight+minute-1, "12"), nil); len(closed) != 0 {
		t.Fatalf("a late trade closes %v", closed)
	}
	closed := ofLength(candles.Add(trade(3, midnight+2*minute, "11"), nil), 1)
	wantCandles(t, closed, []exchange.Candle{{
		Symbol: symbol, Minutes: 1, StartTime: midnight + minute, Open: amount("10"), High: amount("12"), Low: amount("10"),
		Close: amount("12"), Volume: amount("4"), Trades: 2,
	}})
}

func BenchmarkAdd(b *testing.B) {
	var candles aggregator.Candles
	var closed []*exchange.Candle
	t := trade(1, midnight, "0.00141342")
	b.ReportAllocs()
	for b.Loop() {
		t.TradeTime += second
		closed = candles.Add(t, closed[:0])
	}
}

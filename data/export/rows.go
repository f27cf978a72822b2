package export

import (
	"iter"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Trades returns a table of trade events.
func Trades(rows iter.Seq2[exchange.TradeEvent, error]) Table {
	type row = exchange.TradeEvent
	return tableOf("trades", rows,
		textOf("symbol", func(t *row) string { return t.Symbol }),
		integerOf("trade_id", func(t *row) int64 { return t.ID }),
		amountOf("price", func(t *row) decimal.Decimal { return t.Price }),
		quantityOf("quantity", func(t *row) decimal.Decimal { return t.Quantity }),
		timeOf("trade_time", func(t *row) exchange.Micros { return t.TradeTime }),
		unlessZero(timeOf("event_time", func(t *row) exchange.Micros { return t.EventTime })),
		flagOf("buyer_is_maker", func(t *row) bool { return t.BuyerIsMaker }),
		unlessZero(integerOf("buyer_order_id", func(t *row) int64 { return t.BuyerOrderID })),
		unlessZero(integerOf("seller_order_id", func(t *row) int64 { return t.SellerOrderID })),
	)
}

// AggTrade is an aggregate trade with its symbol.
type AggTrade struct {
	Symbol string
	exchange.AggTrade
}

// AggTrades returns a table of aggregate trades.
func AggTrades(rows iter.Seq2[AggTrade, error]) Table {
	type row = AggTrade
	return tableOf("aggtrades", rows,
		textOf("symbol", func(t *row) string { return t.Symbol }),
		integerOf("agg_id", func(t *row) int64 { return t.ID }),
		amountOf("price", func(t *row) decimal.Decimal { return t.Price.Decimal() }),
		quantityOf("quantity", func(t *row) decimal.Decimal { return t.Quantity.Decimal() }),
		integerOf("first_trade_id", func(t *row) int64 { return t.FirstID }),
		integerOf("last_trade_id", func(t *row) int64 { return t.LastID }),
		timeOf("trade_time", func(t *row) exchange.Micros { return t.Time }),
		flagOf("buyer_is_maker", func(t *row) bool { return t.BuyerIsMaker }),
	)
}

// Orders returns a table of orders.
func Orders(rows iter.Seq2[exchange.Order, error]) Table {
	type row = exchange.Order
	return tableOf("orders", rows,
		textOf("symbol", func(o *row) string { return o.Symbol }),
		integerOf("order_id", func(o *row) int64 { return o.ID }),
		textOf("client_order_id", func(o *row) string { return o.ClientID }),
		textOf("side", func(o *row) string { return string(o.Side) }),
		textOf("status", func(o *row) string { return string(o.Status) }),
		amountOf("price", func(o *row) decimal.Decimal { return o.Price }),
		quantityOf("original_quantity", func(o *row) decimal.Decimal { return o.OriginalQuantity }),
		quantityOf("executed_quantity", func(o *row) decimal.Decimal { return o.ExecutedQuantity }),
		quantityOf("quote_quantity", func(o *row) decimal.Decimal { return o.QuoteQuantity }),
		unlessZero(timeOf("order_time", func(o *row) exchange.Micros { return o.Time })),
		unlessZero(timeOf("update_time", func(o *row) exchange.Micros { return o.UpdateTime })),
	)
}

// Fills returns a table of fills.
func Fills(rows iter.Seq2[exchange.Fill, error]) Table {
	type row = exchange.Fill
	return tableOf("fills", rows,
		textOf("symbol", func(f *row) string { return f.Symbol }),
		integerOf("order_id", func(f *row) int64 { return f.OrderID }),
		integerOf("trade_id", func(f *row) int64 { return f.TradeID }),
		textOf("side", func(f *row) string { return string(f.Side) }),
		amountOf("price", func(f *row) decimal.Decimal { return f.Price }),
		quantityOf("quantity", func(f *row) decimal.Decimal { return f.Quantity }),
		amountOf("commission", func(f *row) decimal.Decimal { return f.Commission }),
		textOf("commission_asset", func(f *row) string { return f.CommissionAsset }),
		flagOf("maker", func(f *row) bool { return f.Maker }),
		unlessZero(timeOf("fill_time", func(f *row) exchange.Micros { return f.Time })),
	)
}

// Candles returns a table of candles.
func Candles(rows iter.Seq2[exchange.Candle, error]) Table {
	type row = exchange.Candle
	return tableOf("candles", rows,
		textOf("symbol", func(c *row) string { return c.Symbol }),
		integerOf("minutes", func(c *row) int64 { return int64(c.Minutes) }),
		timeOf("start_time", func(c *row) exchange.Micros { return c.StartTime }),
		amountOf("open", func(c *row) decimal.Decimal { return c.Open }),
		amountOf("high", func(c *row) decimal.Decimal { return c.High }),
		amountOf("low", func(c *row) decimal.Decimal { return c.Low }),
		amountOf("close", func(c *row) decimal.Decimal { return c.Close }),
		quantityOf("volume", func(c *row) decimal.Decimal { return c.Volume }),
		integerOf("trades", func(c *row) int64 { return c.Trades }),
	)
}

// Earning is what one finished position earned.
type Earning struct {
	Symbol   string
	Position string          // its id
	Time     exchange.Micros // when it ended
	Profit   decimal.Decimal // quote asset, fees taken off; below 0 for a loss
}

// Equity returns a table of earnings with their sum so far, for each symbol by
// itself, since their quote assets may differ. The rows come symbol by symbol, in
// order of time.
func Equity(rows iter.Seq2[Earning, error]) Table {
	type row = struct {
		Earning
		sum decimal.Decimal
	}
	summed := func(yield func(row, error) bool) {
		var sum row
		for e, err := range rows {
			if e.Symbol != sum.Symbol {
				sum.sum = decimal.Zero
			}
			sum = row{e, sum.sum.Add(e.Profit)}
			if !yield(sum, err) {
				return
			}
		}
	}
	return tableOf("equity", summed,
		textOf("symbol", func(e *row) string { return e.Symbol }),
		textOf("position_id", func(e *row) string { return e.Position }),
		timeOf("time", func(e *row) exchange.Micros { return e.Time }),
		amountOf("profit", func(e *row) decimal.Decimal { return e.Profit }),
		amountOf("cumulated_profit", func(e *row) decimal.Decimal { return e.sum }),
	)
}

func textOf[T any](name string, read func(*T) string) field[T] {
	return field[T]{column{name: name, kind: text}, func(row *T) cell { return cell{s: read(row)} }}
}

func integerOf[T any](name string, read func(*T) int64) field[T] {
	return field[T]{column{name: name, kind: integer}, func(row *T) cell { return cell{n: read(row)} }}
}

func timeOf[T any](name string, read func(*T) exchange.Micros) field[T] {
	return field[T]{column{name: name, kind: moment}, func(row *T) cell { return cell{n: int64(read(row))} }}
}

func flagOf[T any](name string, read func(*T) bool) field[T] {
	return field[T]{column{name: name, kind: flag}, func(row *T) cell {
		if read(row) {
			return cell{n: 1}
		}
		return cell{}
	}}
}

func amountOf[T any](name string, read func(*T) decimal.Decimal) field[T] {
	return field[T]{column{name: name, kind: amount}, func(row *T) cell { return cell{d: read(row)} }}
}

func quantityOf[T any](name string, read func(*T) decimal.Decimal) field[T] {
	return field[T]{column{name: name, kind: quantity}, func(row *T) cell { return cell{d: read(row)} }}
}

// unlessZero says that zero stands for a value that the source does not have.
func unlessZero[T any](f field[T]) field[T] {
	f.optional = true
	return f
}

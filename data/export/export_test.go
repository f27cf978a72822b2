package export_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/data/export"
	"hedgehog/exchange"
)

// examples has a table of each kind, the CSV lines that it makes and its Parquet
// columns.
var examples = []struct {
	name    string
	table   func() export.Table
	csv     []string
	columns string
}{
	{
		"trades", func() export.Table {
			full := trade(2)
			full.EventTime, full.BuyerIsMaker, full.BuyerOrderID, full.SellerOrderID = noon+1, true, 7, 8
			return export.Trades(rowsOf(trade(1), full))
		},
		[]string{
			"symbol,trade_id,price,quantity,trade_time,event_time,buyer_is_maker,buyer_order_id,seller_order_id",
			"XRPETH,1,0.00141342,23,2019-10-11T12:00:00.000000Z,,false,,",
			"XRPETH,2,0.00141342,23,2019-10-11T12:00:00.000000Z,2019-10-11T12:00:00.000001Z,true,7,8",
		},
		`message trades {
	required binary symbol (STRING);
	required int64 trade_id (INT(64,true));
	required int64 price (DECIMAL(18,8));
	required fixed_len_byte_array(16) quantity (DECIMAL(38,8));
	required int64 trade_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	optional int64 event_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required boolean buyer_is_maker;
	optional int64 buyer_order_id (INT(64,true));
	optional int64 seller_order_id (INT(64,true));
}`,
	},
	{
		"aggtrades", func() export.Table {
			return export.AggTrades(rowsOf(export.AggTrade{Symbol: "XRPETH", AggTrade: exchange.AggTrade{
				Tick: exchange.Tick{ID: 7, Time: noon, Price: 141_342, Quantity: 23e8, BuyerIsMaker: true}, FirstID: 11, LastID: 13,
			}}))
		},
		[]string{
			"symbol,agg_id,price,quantity,first_trade_id,last_trade_id,trade_time,buyer_is_maker",
			"XRPETH,7,0.00141342,23,11,13,2019-10-11T12:00:00.000000Z,true",
		},
		`message aggtrades {
	required binary symbol (STRING);
	required int64 agg_id (INT(64,true));
	required int64 price (DECIMAL(18,8));
	required fixed_len_byte_array(16) quantity (DECIMAL(38,8));
	required int64 first_trade_id (INT(64,true));
	required int64 last_trade_id (INT(64,true));
	required int64 trade_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required boolean buyer_is_maker;
}`,
	},
	{
		"orders", func() export.Table {
			return export.Orders(rowsOf(exchange.Order{
				Symbol: "XRPETH", ID: 3, ClientID: "hh-k1m0zxts-0-B1", Side: exchange.Buy, Status: exchange.PartiallyFilled,
				Price: amount("0.0014"), OriginalQuantity: amount("12"), ExecutedQuantity: amount("5"), QuoteQuantity: amount("0.007"),
				Time: noon, UpdateTime: noon + 1_500_000,
			}))
		},
		[]string{
			"symbol,order_id,client_order_id,side,status,price,original_quantity,executed_quantity,quote_quantity,order_time,update_time",
			"XRPETH,3,hh-k1m0zxts-0-B1,BUY,PARTIALLY_FILLED,0.0014,12,5,0.007,2019-10-11T12:00:00.000000Z,2019-10-11T12:00:01.500000Z",
		},
		`message orders {
	required binary symbol (STRING);
	required int64 order_id (INT(64,true));
	required binary client_order_id (STRING);
	required binary side (STRING);
	required binary status (STRING);
	required int64 price (DECIMAL(18,8));
	required fixed_len_byte_array(16) original_quantity (DECIMAL(38,8));
	required fixed_len_byte_array(16) executed_quantity (DECIMAL(38,8));
	required fixed_len_byte_array(16) quote_quantity (DECIMAL(38,8));
	optional int64 order_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	optional int64 update_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
}`,
	},
	{
		"fills", func() export.Table {
			return export.Fills(rowsOf(exchange.Fill{
				Symbol: "XRPETH", OrderID: 3, TradeID: 9, Side: exchange.Sell, Price: amount("0.0014"), Quantity: amount("5"),
				Commission: amount("-0.00000001"), CommissionAsset: "ETH", Maker: true, Time: noon,
			}))
		},
		[]string{
			"symbol,order_id,trade_id,side,price,quantity,commission,commission_asset,maker,fill_time",
			"XRPETH,3,9,SELL,0.0014,5,-0.00000001,ETH,true,2019-10-11T12:00:00.000000Z",
		},
		`message fills {
	required binary symbol (STRING);
	required int64 order_id (INT(64,true));
	required int64 trade_id (INT(64,true));
	required binary side (STRING);
	required int64 price (DECIMAL(18,8));
	required fixed_len_byte_array(16) quantity (DECIMAL(38,8));
	required int64 commission (DECIMAL(18,8));
	required binary commission_asset (STRING);
	required boolean maker;
	optional int64 fill_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
}`,
	},
	{
		"candles", func() export.Table {
			return export.Candles(rowsOf(exchange.Candle{
				Symbol: "XRPETH", Minutes: 5, StartTime: noon, Open: amount("1"), High: amount("4"), Low: amount("0.5"),
				Close: amount("2"), Volume: amount("12345678901234567890.12345678"), Trades: 3,
			}))
		},
		[]string{
			"symbol,minutes,start_time,open,high,low,close,volume,trades",
			"XRPETH,5,2019-10-11T12:00:00.000000Z,1,4,0.5,2,12345678901234567890.12345678,3",
		},
		`message candles {
	required binary symbol (STRING);
	required int64 minutes (INT(64,true));
	required int64 start_time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required int64 open (DECIMAL(18,8));
	required int64 high (DECIMAL(18,8));
	required int64 low (DECIMAL(18,8));
	required int64 close (DECIMAL(18,8));
	required fixed_len_byte_array(16) volume (DECIMAL(38,8));
	required int64 trades (INT(64,true));
}`,
	},
	{
		"equity", func() export.Table {
			return export.Equity(rowsOf(
				export.Earning{Symbol: "BNBBTC", Position: "2", Time: noon + 9, Profit: amount("0.5")},
				export.Earning{Symbol: "XRPETH", Position: "1", Time: noon, Profit: amount("0.00000003")},
				export.Earning{Symbol: "XRPETH", Position: "4", Time: noon + 1, Profit: amount("-0.00000005")},
			))
		},
		[]string{
			"symbol,position_id,time,profit,cumulated_profit",
			"BNBBTC,2,2019-10-11T12:00:00.000009Z,0.5,0.5",
			"XRPETH,1,2019-10-11T12:00:00.000000Z,0.00000003,0.00000003",
			"XRPETH,4,2019-10-11T12:00:00.000001Z,-0.00000005,-0.00000002",
		},
		`message equity {
	required binary symbol (STRING);
	required binary position_id (STRING);
	required int64 time (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	required int64 profit (DECIMAL(18,8));
	required int64 cumulated_profit (DECIMAL(18,8));
}`,
	},
}

func TestEveryKindIsWrittenInBothFormats(t *testing.T) {
	for _, example := range examples {
		t.Run(example.name, func(t *testing.T) {
			if got, want := string(mustWrite(t, example.table(), export.CSV)), strings.Join(example.csv, "\n")+"\n"; got != want {
				t.Errorf("CSV\n%s\nwant\n%s", got, want)
			}
			content := mustWrite(t, example.table(), export.Parquet)
			if got := mustOpenParquet(t, content).Schema().String(); got != example.columns {
				t.Errorf("Parquet columns\n%s\nwant\n%s", got, example.columns)
			}
			for i, line := range mustReadParquet(t, content) {
				if got := strings.Join(line, ","); got != example.csv[i] {
					t.Errorf("Parquet row %d says\n%s\nwant\n%s", i, got, example.csv[i])
				}
			}
		})
	}
}

func TestParquetHoldsEveryDigit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		price := rapid.Custom(func(rt *rapid.T) decimal.Decimal {
			return decimal.New(rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(rt, "units"), -8)
		})
		quantity := rapid.Custom(func(rt *rapid.T) decimal.Decimal {
			return amount(rapid.StringMatching(`[0-9]{1,30}(\.[0-9]{1,8}0{0,4})?`).Draw(rt, "quantity"))
		})
		var trades []exchange.TradeEvent
		for range rapid.IntRange(0, 20).Draw(rt, "rows") {
			trades = append(trades, exchange.TradeEvent{
				Symbol: rapid.StringMatching("[A-Z0-9]{1,12}").Draw(rt, "symbol"), ID: rapid.Int64().Draw(rt, "id"),
				Price: price.Draw(rt, "price"), Quantity: quantity.Draw(rt, "quantity"),
				TradeTime:    exchange.Micros(rapid.Int64Range(0, 1<<52).Draw(rt, "time")),
				EventTime:    exchange.Micros(rapid.Int64Range(0, 3).Draw(rt, "event time")),
				BuyerIsMaker: rapid.Bool().Draw(rt, "maker"), BuyerOrderID: rapid.Int64Range(0, 3).Draw(rt, "buyer"),
			})
		}
		got := mustReadParquet(t, mustWrite(t, export.Trades(rowsOf(trades...)), export.Parquet))
		want := mustReadCSV(t, mustWrite(t, export.Trades(rowsOf(trades...)), export.CSV))
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("Parquet says\n%q\nCSV says\n%q", got, want)
		}
		for i, trade := range trades {
			if !amount(got[i+1][2]).Equal(trade.Price) || !amount(got[i+1][3]).Equal(trade.Quantity) {
				rt.Fatalf("row %d says %q of %+v", i+1, got[i+1], trade)
			}
		}
	})
}

// Readers pass over groups whose bounds say that nothing in them fits a question.
func TestBoundsKnowThatALossIsBelowZero(t *testing.T) {
	content := mustWrite(t, export.Equity(rowsOf(
		export.Earning{Symbol: "A", Position: "1", Profit: amount("3")},
		export.Earning{Symbol: "A", Position: "2", Profit: amount("-2")},
	)), export.Parquet)
	f := mustOpenParquet(t, content)
	column, _ := f.Schema().Lookup("profit")
	chunk := f.RowGroups()[0].ColumnChunks()[column.ColumnIndex].(*parquet.FileColumnChunk)
	low, high, ok := chunk.Bounds()
	if !ok || low.Int64() != -2_0000_0000 || high.Int64() != 3_0000_0000 {
		t.Errorf("bounds %v to %v, want those of -2 and 3", low, high)
	}
}

func TestAValueThatDoesNotFitNamesItsRowAndIsNotRounded(t *testing.T) {
	with := func(price, quantity string) exchange.TradeEvent {
		return exchange.TradeEvent{Symbol: "XRPETH", Price: amount(price), Quantity: amount(quantity)}
	}
	for _, test := range []struct {
		row  exchange.TradeEvent
		want string
	}{
		{with("0.000000001", "1"), "export trades, row 2: price 0.000000001 does not fit DECIMAL(18,8)"},
		{with("10000000000", "1"), "export trades, row 2: price 10000000000 does not fit DECIMAL(18,8)"},
		{with("1e40", "1"), "export trades, row 2: price 1" + strings.Repeat("0", 40) + " does not fit DECIMAL(18,8)"},
		{with("1", "0.123456789"), "export trades, row 2: quantity 0.123456789 does not fit DECIMAL(38,8) without a sign"},
		{with("1", "1e30"), "export trades, row 2: quantity 1" + strings.Repeat("0", 30) + " does not fit DECIMAL(38,8) without a sign"},
		{with("1", "-1"), "export trades, row 2: quantity -1 does not fit DECIMAL(38,8) without a sign"},
	} {
		rows, err := export.Trades(rowsOf(trade(1), test.row)).Write(t.Context(), io.Discard, export.Parquet, nil)
		if err == nil || err.Error() != test.want || rows != 1 {
			t.Errorf("%d rows, %v; want 1 and %s", rows, err, test.want)
		}
		if rows, err := export.Trades(rowsOf(test.row)).Write(t.Context(), io.Discard, export.CSV, nil); rows != 1 || err != nil {
			t.Errorf("as CSV: %d rows, %v", rows, err)
		}
	}
}

func TestGroupsAreBoundedAndProgressIsTold(t *testing.T) {
	const rows, bound = 300_000, 1 << 18
	all := func(yield func(exchange.TradeEvent, error) bool) {
		for id := range int64(rows) {
			if !yield(trade(id), nil) {
				return
			}
		}
	}
	var out bytes.Buffer
	var told int64
	n, err := export.Trades(all).Write(t.Context(), &out, export.Parquet, func(n int64) {
		if n != told+1 {
			t.Fatalf("progress tells of row %d after row %d", n, told)
		}
		told = n
	})
	if err != nil || n != rows || told != rows {
		t.Fatalf("%d rows written, %d told, %v", n, told, err)
	}
	f := mustOpenParquet(t, out.Bytes())
	groups := f.RowGroups()
	if f.NumRows() != rows || len(groups) != 2 || groups[0].NumRows() != bound {
		t.Errorf("%d rows in %d groups, the first of %d", f.NumRows(), len(groups), groups[0].NumRows())
	}
}

func TestAnExportEndsWithItsContextAndItsSource(t *testing.T) {
	stopped, broken := errors.New("stopped by hand"), errors.New("disk is broken")
	for _, f := range []export.Format{export.CSV, export.Parquet} {
		ctx, stop := context.WithCancelCause(t.Context())
		rows, err := export.Trades(rowsOf(trade(1), trade(2), trade(3))).Write(ctx, io.Discard, f, func(n int64) {
			if n == 2 {
				stop(stopped)
			}
		})
		if rows != 2 || !errors.Is(err, stopped) {
			t.Errorf("%s: %d rows and %v, want 2 and the cause", f, rows, err)
		}
		failing := func(yield func(exchange.TradeEvent, error) bool) {
			_ = yield(trade(1), nil) && yield(exchange.TradeEvent{}, broken)
		}
		if rows, err := export.Trades(failing).Write(t.Context(), io.Discard, f, nil); rows != 1 || !errors.Is(err, broken) {
			t.Errorf("%s: %d rows and %v, want 1 and the store's error", f, rows, err)
		}
		if _, err := export.Trades(rowsOf(trade(1))).Write(t.Context(), full{}, f, nil); !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: %v", f, err)
		}
	}
}

var errFull = errors.New("no space left")

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAnUnknownFormatIsRefused(t *testing.T) {
	for _, name := range []string{"csv", "parquet"} {
		if f, err := export.ParseFormat(name); string(f) != name || err != nil {
			t.Errorf("%s: %q, %v", name, f, err)
		}
	}
	if _, err := export.ParseFormat("xlsx"); err == nil || err.Error() != `format "xlsx": want csv or parquet` {
		t.Errorf("xlsx: %v", err)
	}
}

// BenchmarkTrades writes rows as fast as they come.
func BenchmarkTrades(b *testing.B) {
	for _, f := range []export.Format{export.CSV, export.Parquet} {
		b.Run(string(f), func(b *testing.B) {
			endless := func(yield func(exchange.TradeEvent, error) bool) {
				for id := int64(0); b.Loop(); id++ {
					t := trade(id)
					t.TradeTime += exchange.Micros(id * 1000)
					if !yield(t, nil) {
						return
					}
				}
			}
			b.ReportAllocs()
			rows, err := export.Trades(endless).Write(b.Context(), io.Discard, f, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

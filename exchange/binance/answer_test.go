package binance_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
)

// What the exchange's documentation shows, with other values.
const (
	placedAnswer = `{"symbol":"XRPUSDT","orderId":28,"orderListId":-1,"clientOrderId":"p1.buy","transactTime":1700000000123456,` +
		`"price":"0.40000000","origQty":"25.00000000","executedQty":"10.00000000","origQuoteOrderQty":"0.000000",` +
		`"cummulativeQuoteQty":"3.99000000","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",` +
		`"workingTime":1700000000123400,"selfTradePreventionMode":"NONE","fills":[` +
		`{"price":"0.39900000","qty":"10.00000000","commission":"0.01000000","commissionAsset":"XRP","tradeId":56}]}`
	queriedAnswer = `{"symbol":"XRPUSDT","orderId":28,"orderListId":-1,"clientOrderId":"p1.buy","price":"0.4","origQty":"25.0",` +
		`"executedQty":"10.0","cummulativeQuoteQty":"3.99","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",` +
		`"stopPrice":"0.0","icebergQty":"0.0","time":1700000000123,"updateTime":1700000000124,"isWorking":true,"workingTime":1700000000123}`
	cancelledAnswer = `{"symbol":"XRPUSDT","origClientOrderId":"p1.buy","orderId":28,"orderListId":-1,"clientOrderId":"cancel-1",` +
		`"transactTime":1700000000125,"price":"0.4","origQty":"25","executedQty":"10","cummulativeQuoteQty":"3.99","status":"CANCELED",` +
		`"timeInForce":"GTC","type":"LIMIT","side":"BUY","selfTradePreventionMode":"NONE"}`
	fillsAnswer = `[{"symbol":"XRPUSDT","id":57,"orderId":28,"orderListId":-1,"price":"0.4","qty":"15","quoteQty":"6","commission":"0.015",` +
		`"commissionAsset":"XRP","time":1700000000130,"isBuyer":true,"isMaker":true,"isBestMatch":true},` +
		`{"symbol":"XRPUSDT","id":56,"orderId":28,"price":"0.399","qty":"10","commission":"0.01","commissionAsset":"XRP","time":1700000000123,"isBuyer":true,"isMaker":false}]`
	tradesAnswer = `[{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true},` +
		`{"id":28458,"price":"4.1","qty":"1","quoteQty":"4.1","time":1499865549590001,"isBuyerMaker":false,"isBestMatch":true}]`
	report = `{"subscriptionId":0,"event":{"e":"executionReport","E":1700000000131,"s":"XRPUSDT","c":"p1.buy","S":"BUY","o":"LIMIT","f":"GTC",` +
		`"q":"25.00000000","p":"0.40000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"FILLED","r":"NONE","i":28,` +
		`"l":"15.00000000","z":"25.00000000","L":"0.40000000","n":"0.01500000","N":"XRP","T":1700000000130,"t":57,"I":8641984,"w":false,"m":true,"M":true,` +
		`"O":1700000000123,"Z":"9.99000000","Y":"6.00000000","Q":"0.00000000","W":1700000000123,"V":"NONE"}}`
)

func wantOrder(tb testing.TB, got exchange.Order, status exchange.Status, executed, quote string) {
	tb.Helper()
	if got.Symbol != "XRPUSDT" || got.ID != 28 || got.ClientID != "p1.buy" || got.Side != exchange.Buy || got.Status != status {
		tb.Errorf("order %+v", got)
	}
	for _, d := range []struct {
		name, want string
		got        decimal.Decimal
	}{
		{"price", "0.4", got.Price}, {"quantity", "25", got.OriginalQuantity},
		{"executed", executed, got.ExecutedQuantity}, {"quote quantity", quote, got.QuoteQuantity},
	} {
		if !d.got.Equal(decimal.RequireFromString(d.want)) {
			tb.Errorf("%s %s, want %s", d.name, d.got, d.want)
		}
	}
}

func TestAnswersOfOrdersReadAsDocumented(t *testing.T) {
	placed, err := binance.DecodePlaced([]byte(placedAnswer))
	if err != nil {
		t.Fatal(err)
	}
	wantOrder(t, placed.Order, exchange.PartiallyFilled, "10", "3.99")
	if placed.Time != 1700000000123400 || placed.UpdateTime != 1700000000123456 {
		t.Errorf("times %d and %d", placed.Time, placed.UpdateTime)
	}
	if len(placed.Fills) != 1 || placed.Fills[0].TradeID != 56 || placed.Fills[0].CommissionAsset != "XRP" || placed.Fills[0].Side != exchange.Buy {
		t.Errorf("fills %+v", placed.Fills)
	}

	queried, err := binance.DecodeOrder([]byte(queriedAnswer))
	if err != nil {
		t.Fatal(err)
	}
	wantOrder(t, queried, exchange.PartiallyFilled, "10", "3.99")
	if queried.Time != 1700000000123000 || queried.UpdateTime != 1700000000124000 {
		t.Errorf("times %d and %d", queried.Time, queried.UpdateTime)
	}

	cancelled, err := binance.DecodeOrder([]byte(cancelledAnswer))
	if err != nil {
		t.Fatal(err)
	}
	wantOrder(t, cancelled, exchange.Canceled, "10", "3.99")
}

func TestListsReadInOrderOfID(t *testing.T) {
	fills, err := binance.DecodeFills([]byte(fillsAnswer), 28)
	if err != nil {
		t.Fatal(err)
	}
	if len(fills) != 2 || fills[0].TradeID != 56 || fills[0].Maker || fills[1].TradeID != 57 || !fills[1].Maker {
		t.Errorf("fills %+v", fills)
	}
	trades, err := binance.DecodeTrades([]byte(tradesAnswer), "ETHUSDT")
	if err != nil {
		t.Fatal(err)
	}
	if len(trades) != 2 || trades[0].ID != 28457 || trades[0].TradeTime != 1499865549590000 || trades[1].TradeTime != 1499865549590001 ||
		trades[0].Source != exchange.Backfill || trades[1].Symbol != "ETHUSDT" || !trades[0].BuyerIsMaker {
		t.Errorf("trades %+v", trades)
	}
}

func TestAnExecutionReportReadsAsAnUpdateWithItsFill(t *testing.T) {
	update, err := binance.DecodeAccountEvent([]byte(report))
	if err != nil {
		t.Fatal(err)
	}
	wantOrder(t, update.Order, exchange.Filled, "25", "9.99")
	if len(update.Fills) != 1 {
		t.Fatalf("fills %+v", update.Fills)
	}
	fill := update.Fills[0]
	if fill.TradeID != 57 || fill.OrderID != 28 || !fill.Maker || fill.CommissionAsset != "XRP" || fill.Time != 1700000000130000 ||
		!fill.Commission.Equal(decimal.RequireFromString("0.015")) || !fill.Quantity.Equal(decimal.NewFromInt(15)) {
		t.Errorf("fill %+v", fill)
	}

	cancelled := strings.NewReplacer(`"c":"p1.buy"`, `"c":"cancel-1"`, `"C":""`, `"C":"p1.buy"`, `"TRADE"`, `"CANCELED"`, `"FILLED"`, `"CANCELED"`,
		`"N":"XRP"`, `"N":null`, `"t":57`, `"t":-1`).Replace(report)
	if update, err = binance.DecodeAccountEvent([]byte(cancelled)); err != nil {
		t.Fatal(err)
	}
	if update.ClientID != "p1.buy" || update.Status != exchange.Canceled || len(update.Fills) != 0 {
		t.Errorf("update %+v", update)
	}
	for _, other := range []string{
		`{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH","f":"10","l":"0"}]}}`,
		`{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1573200697110,"a":"BTC","d":"100","T":1573200697068}}`,
		`{"id":1,"status":200,"result":{}}`,
	} {
		if update, err := binance.DecodeAccountEvent([]byte(other)); err != nil || update != nil {
			t.Errorf("%s reads as %+v, %v", other, update, err)
		}
	}
}

func TestAnswersThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct{ name, answer, old, new, wrong string }{
		{"a side", queriedAnswer, `"BUY"`, `"HOLD"`, "HOLD"},
		{"a status", queriedAnswer, `"PARTIALLY_FILLED"`, `"LOST"`, "LOST"},
		{"an id", queriedAnswer, `"orderId":28`, `"orderId":0`, "order id 0"},
		{"a symbol", queriedAnswer, `"XRPUSDT"`, `"xrp/usdt"`, "xrp/usdt"},
		{"no client order id", queriedAnswer, `"p1.buy"`, `""`, "client order id"},
		{"a negative price", queriedAnswer, `"0.4"`, `"-0.4"`, "price -0.4"},
		{"an exponent", queriedAnswer, `"0.4"`, `"4e99999999"`, "4e99999999"},
		{"more executed than ordered", queriedAnswer, `"10.0"`, `"25.1"`, "executed quantity 25.1"},
		{"a negative time", queriedAnswer, `1700000000124`, `-1`, "updateTime -1"},
		{"a report's status", report, `"X":"FILLED"`, `"X":"LOST"`, "LOST"},
		{"a report's price", report, `"L":"0.40000000"`, `"L":"0"`, "price 0"},
		{"a report's id", report, `"i":28`, `"i":"x"`, "i \"x\""},
		{"a report that is no object", report, `"event":{`, `"event":7,"x":{`, "want an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := []byte(strings.Replace(c.answer, c.old, c.new, 1))
			decode := func(b []byte) error { _, err := binance.DecodeOrder(b); return err }
			if c.answer == report {
				decode = func(b []byte) error { _, err := binance.DecodeAccountEvent(b); return err }
			}
			if err := decode(answer); err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("error %v, want one that has %q", err, c.wrong)
			}
		})
	}
	if _, err := binance.DecodeFills([]byte(fillsAnswer), 29); err == nil {
		t.Error("fills of another order were taken")
	}
	if _, err := binance.DecodeTrades([]byte(strings.Replace(tradesAnswer, "28458", "28457", 1)), "ETHUSDT"); err == nil {
		t.Error("trades with an id twice were taken")
	}
}

func FuzzDecodeAnswers(f *testing.F) {
	for _, answer := range []string{placedAnswer, queriedAnswer, cancelledAnswer, fillsAnswer, tradesAnswer, report} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		check := func(o exchange.Order) {
			if o.ID <= 0 || o.ExecutedQuantity.IsNegative() || o.Price.IsNegative() || o.ClientID == "" || !exchange.ValidSymbolName(o.Symbol) {
				t.Errorf("%q reads as %+v", answer, o)
			}
		}
		if o, err := binance.DecodeOrder(answer); err == nil {
			check(o)
		}
		if u, err := binance.DecodePlaced(answer); err == nil {
			check(u.Order)
		}
		if u, err := binance.DecodeAccountEvent(answer); err == nil && u != nil {
			check(u.Order)
		}
		if fills, err := binance.DecodeFills(answer, 28); err == nil {
			for _, fill := range fills {
				if fill.Price.Sign() <= 0 || fill.Quantity.Sign() <= 0 || fill.OrderID != 28 {
					t.Errorf("%q reads as %+v", answer, fill)
				}
			}
		}
		if trades, err := binance.DecodeTrades(answer, "ETHUSDT"); err == nil {
			for i := range trades {
				if i > 0 && trades[i].ID <= trades[i-1].ID {
					t.Errorf("%q reads as %+v", answer, trades)
				}
			}
		}
	})
}

package main

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

func readyStatus() api.Status {
	return api.Status{Node: "alpha", Version: "1.2.3", UptimeSeconds: 3725, DataDir: "/var/lib/hedgehog",
		Exchange: api.ExchangeStatus{Name: "sim", URL: "http://127.0.0.1:40000", Ready: true, Symbols: 8}}
}

func busyStatus() api.Status {
	s := readyStatus()
	s.ActiveSymbols = 2
	s.Symbols = []api.SymbolStatus{
		{Settings: api.Settings{Symbol: "BNBBTC", Streaming: true, Trading: api.Trading{Status: "off"}}},
		{Settings: api.Settings{Symbol: "XRPETH", Streaming: true, Trading: api.Trading{Status: "on"}},
			Parts:       []api.PartStatus{{Name: "stream", Restarts: 2, LastError: "connection reset"}, {Name: "trade"}},
			LastTradeID: 13525735, TradesPublished: 5929, TradesBackfilled: 12, OpenPositions: 3,
			TradingError: "filter MIN_NOTIONAL: price × quantity 0.004 is below the minimum 0.005 ETH"},
	}
	return s
}

func TestWhatPeopleRead(t *testing.T) {
	node := newFakeNode(t)
	buy := order(7, exchange.Buy, exchange.Filled, "0.00141271", "1415", "1415")
	sell := order(8, exchange.Sell, exchange.PartiallyFilled, "0.00141695", "1413", "400")
	sold := order(8, exchange.Sell, exchange.Filled, "0.00141695", "1413", "1413")
	node.answers["/api/v1/orders?limit=50&open=false&symbol=XRPETH"] = []exchange.Order{sell, buy}
	node.answers["/api/v1/orders?limit=5&open=true&symbol="] = []exchange.Order{}
	node.answers["/api/v1/positions?all=true&symbol=XRPETH"] = []api.Position{
		{Symbol: "XRPETH", ID: "k1m0zxts", State: "finished", StartTime: noon, EndTime: noon + 60_000_000, Profit: dec("0.00116355"), Buy: &buy, Sell: &sold},
		{Symbol: "XRPETH", ID: "k1m0zxtt", Slot: 1, State: "open", StartTime: noon, Buy: &buy, Sell: &sell},
		{Symbol: "XRPETH", ID: "k1m0zxtu", Slot: 2, State: "open", StartTime: noon},
	}
	node.answers["/api/v1/positions?all=false&symbol="] = []api.Position{}
	price, unrealized := dec("0.0014"), dec("-0.01781")
	node.answers["/api/v1/profit?symbol="] = []api.Profit{
		{Symbol: "ADAETH", BaseAsset: "ADA", QuoteAsset: "ETH", OpenPositions: 1, Held: dec("10"), Invested: dec("0.01")},
		{Symbol: "BTCUSDT", BaseAsset: "BTC", QuoteAsset: "USDT", Cycles: 2, Profit: dec("4.5"), ProfitDay: dec("0.5"), ProfitWeek: dec("4.5"), Unrealized: new(decimal.Decimal)},
		{Symbol: "XRPETH", BaseAsset: "XRP", QuoteAsset: "ETH", Cycles: 12, Profit: dec("0.0123"), ProfitDay: dec("0"), ProfitWeek: dec("0.00116355"),
			OpenPositions: 2, Held: dec("1415"), Invested: dec("1.99898465"), LastPrice: &price, Unrealized: &unrealized},
		{Symbol: "XRPUSDT", BaseAsset: "XRP", QuoteAsset: "USDT", Cycles: 1, Profit: dec("-0.25"), Unrealized: new(decimal.Decimal)},
	}
	node.answers["/api/v1/profit?symbol=BNBBTC"] = []api.Profit{}
	node.answers["/api/v1/candles?limit=20&minutes=15&symbol=XRPETH"] = []exchange.Candle{
		{Symbol: "XRPETH", Minutes: 15, StartTime: noon, Open: dec("0.00144908"), High: dec("0.00147"), Low: dec("0.00144908"), Close: dec("0.0014677"), Volume: dec("309181"), Trades: 763},
	}
	node.answers["/api/v1/candles?limit=20&minutes=1&symbol=XRPETH"] = []exchange.Candle{}
	node.answers["/api/v1/trades?limit=2&symbol=XRPETH"] = []exchange.TradeEvent{
		{Symbol: "XRPETH", ID: 13525734, Price: dec("0.00147987"), Quantity: dec("17"), TradeTime: noon},
		{Symbol: "XRPETH", ID: 13525735, Price: dec("0.00147991"), Quantity: dec("14"), TradeTime: noon + 18_659_000},
	}
	node.answers["/api/v1/fills?limit=50&symbol=XRPETH"] = []exchange.Fill{
		{Symbol: "XRPETH", OrderID: 8, TradeID: 13525735, Side: exchange.Sell, Price: dec("0.00141695"), Quantity: dec("400"), Commission: dec("0.00056678"), CommissionAsset: "ETH", Maker: true, Time: noon + 18_659_000},
		{Symbol: "XRPETH", OrderID: 7, TradeID: 13525734, Side: exchange.Buy, Price: dec("0.00141271"), Quantity: dec("1415"), Commission: dec("1.415"), CommissionAsset: "XRP", Maker: true, Time: noon},
	}
	node.answers["/api/v1/fills?limit=1&symbol=XRPETH"] = []exchange.Fill{}
	node.answers["/api/v1/trades?limit=20&symbol=XRPETH"] = []exchange.TradeEvent{}
	quiet, busy, waiting := readyStatus(), busyStatus(), readyStatus()
	quiet.Access, busy.Access = api.AccessOpen, api.AccessTokens
	waiting.Exchange = api.ExchangeStatus{Name: "binance", URL: "https://api.binance.com", Error: "exchange unavailable: no such host"}
	settings := node.settings["XRPETH"]
	active := settings
	active.Streaming, active.Aggregating, active.Trading.Status = true, true, "shutdown"
	active.Collecting = api.Collecting{TradeEvents: true, OHLC: true}

	for _, test := range []struct {
		golden, args string
		status       api.Status
		settings     api.Settings
	}{
		{golden: "status_quiet", args: "status", status: quiet},
		{golden: "status_busy", args: "status", status: busy},
		{golden: "status_waiting", args: "status", status: waiting},
		{golden: "orders", args: "orders xrpeth"},
		{golden: "orders_none", args: "orders --open --limit 5"},
		{golden: "fills", args: "fills XRPETH"},
		{golden: "fills_none", args: "fills XRPETH --limit 1"},
		{golden: "positions", args: "trade positions XRPETH --all"},
		{golden: "positions_none", args: "trade positions"},
		{golden: "profit", args: "profit"},
		{golden: "profit_none", args: "profit BNBBTC"},
		{golden: "candles", args: "candles XRPETH --minutes 15"},
		{golden: "candles_none", args: "candles XRPETH"},
		{golden: "trades", args: "trades XRPETH --limit 2"},
		{golden: "trades_none", args: "trades XRPETH"},
		{golden: "settings", args: "trade settings XRPETH", settings: settings},
		{golden: "stream_list", args: "stream list", settings: active},
		{golden: "stream_list_none", args: "stream list", settings: settings},
		{golden: "stream_list_named", args: "stream list bnbbtc", settings: settings},
		{golden: "aggregate_list", args: "aggregate list", settings: active},
		{golden: "collect_list", args: "collect list", settings: active},
		{golden: "trade_list", args: "trade list", settings: active},
	} {
		t.Run(test.golden, func(t *testing.T) {
			node.status = []api.Status{test.status}
			node.settings["XRPETH"] = test.settings
			args := append(strings.Fields(test.args), "--node", node.url)
			checkGolden(t, test.golden, mustHedgehog(t, args...))
		})
	}
}

func TestJSONIsTheNodesAnswer(t *testing.T) {
	node := newFakeNode(t)
	node.status = []api.Status{busyStatus()}
	node.answers["/api/v1/orders?limit=50&open=false&symbol="] = []exchange.Order{}
	t.Setenv("HEDGEHOG_NODE", node.url)

	var status api.Status
	mustDecode(t, mustHedgehog(t, "status", "--json"), &status)
	if status.Node != "alpha" || len(status.Symbols) != 2 || status.Symbols[1].LastTradeID != 13525735 {
		t.Errorf("status %+v", status)
	}
	if got := mustHedgehog(t, "orders", "--json"); got != "[]\n" {
		t.Errorf("no orders as JSON: %q, want an empty array", got)
	}
	if got := mustHedgehog(t, "trade", "list", "--json"); got != "[]\n" {
		t.Errorf("no traded symbols as JSON: %q, want an empty array", got)
	}
	var changed []api.Settings
	mustDecode(t, mustHedgehog(t, "trade", "start", "XRPETH", "--json"), &changed)
	if len(changed) != 1 || changed[0].Trading.Status != "on" {
		t.Errorf("changed settings %+v", changed)
	}
}

func mustDecode(t testing.TB, text string, target any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), target); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func TestACommandChangesWhatItSaysAndNothingElse(t *testing.T) {
	for _, test := range []struct{ args, change, says string }{
		{"stream start XRPETH", `{"streaming":true}`, "XRPETH: streaming is on\n"},
		{"stream stop XRPETH", `{"streaming":false}`, "XRPETH: streaming is off\n"},
		{"aggregate start XRPETH", `{"aggregating":true}`, "XRPETH: building candles is on\n  its trades don't reach the node yet: hedgehog stream start XRPETH\n"},
		{"aggregate stop XRPETH", `{"aggregating":false}`, "XRPETH: building candles is off\n"},
		{"collect start XRPETH", `{"collect_trade_events":true,"collect_orders":true,"collect_ohlc":true}`,
			"XRPETH: collecting is on for trade_events, orders, ohlc\n  its trades don't reach the node yet: hedgehog stream start XRPETH\n"},
		{"collect start XRPETH --topic orders", `{"collect_orders":true}`, "XRPETH: collecting is on for orders\n"},
		{"collect start XRPETH --topic ohlc,ORDERS", `{"collect_orders":true,"collect_ohlc":true}`,
			"XRPETH: collecting is on for orders, ohlc\n  no candles of it are built yet: hedgehog aggregate start XRPETH\n"},
		{"collect stop XRPETH", `{"collect_trade_events":false,"collect_orders":false,"collect_ohlc":false}`, "XRPETH: collecting is off\n"},
		{"trade start XRPETH", `{"trading_status":"on"}`,
			"XRPETH: trading is on, with a budget of 1000 in up to 5 positions\n  its trades don't reach the node yet: hedgehog stream start XRPETH\n"},
		{"trade stop XRPETH", `{"trading_status":"off"}`, "XRPETH: trading is off; orders that rest at the exchange stay there\n"},
		{"trade shutdown XRPETH", `{"trading_status":"shutdown"}`,
			"XRPETH: trading stops when the open positions have sold\n  its trades don't reach the node yet: hedgehog stream start XRPETH\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			node := newFakeNode(t)
			said := mustHedgehog(t, append(strings.Fields(test.args), "--node", node.url)...)
			if want := []string{"XRPETH " + test.change}; !slices.Equal(node.changes, want) {
				t.Errorf("changes %q, want %q", node.changes, want)
			}
			if said != test.says {
				t.Errorf("says %q, want %q", said, test.says)
			}
		})
	}
}

func TestSettingsSendsOnlyTheFlagsThatAreThere(t *testing.T) {
	node := newFakeNode(t)
	t.Setenv("HEDGEHOG_NODE", node.url)
	mustHedgehog(t, "trade", "settings", "XRPETH")
	if len(node.changes) != 0 {
		t.Errorf("without flags it changes %q", node.changes)
	}
	mustHedgehog(t, "trade", "settings", "XRPETH", "--budget", "10", "--chunks", "3")
	mustHedgehog(t, "trade", "settings", "--profit-target", "0.001", "XRPETH", "--buy-down-interval", "0.0005", "--rebuy-interval", "0")
	want := []string{
		`XRPETH {"chunks":3,"budget":"10"}`,
		`XRPETH {"buy_down_interval":"0.0005","profit_target":"0.001","rebuy_interval":"0"}`,
	}
	if !slices.Equal(node.changes, want) {
		t.Errorf("changes %q, want %q", node.changes, want)
	}
}

func TestAllSymbolsAreTriedAndEachFailureIsNamed(t *testing.T) {
	node := newFakeNode(t)
	node.failing["BNBBTC"] = true
	r := hedgehog(t.Context(), "stream", "start", "bnbbtc", "NOPE", "XRPETH", "--node", node.url)
	if r.code != exitFailure {
		t.Errorf("exit code %d, want %d", r.code, exitFailure)
	}
	if want := "XRPETH: streaming is on\n"; r.stdout != want {
		t.Errorf("standard output %q, want %q", r.stdout, want)
	}
	want := "hedgehog: BNBBTC: the disk is full\n" +
		"hedgehog: unknown symbol: \"NOPE\" is not one of the 2 that the exchange lists\n"
	if r.stderr != want {
		t.Errorf("standard error stream %q, want %q", r.stderr, want)
	}
}

func TestANodeThatDoesNotAnswerIsExitCode3(t *testing.T) {
	address := freeAddress(t)
	for _, args := range []string{"status", "orders", "stream start A B", "watch ORDERS:A", "trade list", "status --wait 250ms"} {
		t.Run(args, func(t *testing.T) {
			r := hedgehog(t.Context(), append(strings.Fields(args), "--node", address)...)
			if r.code != exitUnreachable {
				t.Errorf("exit code %d, want %d", r.code, exitUnreachable)
			}
			want := "no node answers at http://" + address + ": is it running (hedgehog node)"
			if strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) {
				t.Errorf("standard error stream %q, want one line with %q", r.stderr, want)
			}
		})
	}
}

// freeAddress returns an address of this machine where nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestNodesThatDoNotAnswerAreNamedAndTheRestIsShown(t *testing.T) {
	node := newFakeNode(t)
	node.missing = "n2,n3"
	node.answers["/api/v1/orders?limit=50&open=false&symbol="] = []exchange.Order{}
	r := hedgehog(t.Context(), "orders", "--json", "--node", node.url)
	if want := "warning: no answer from n2, n3: what only they know is not shown\n"; r.code != exitOK || r.stderr != want {
		t.Errorf("exit code %d, tells %q, want %q", r.code, r.stderr, want)
	}
	if r.stdout != "[]\n" {
		t.Errorf("prints %q", r.stdout)
	}
}

func TestACommandThatIsInterruptedSaysSo(t *testing.T) {
	node := newFakeNode(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, args := range []string{"status", "status --wait 20s", "stream start XRPETH"} {
		r := hedgehog(ctx, append(strings.Fields(args), "--node", node.url)...)
		checkFailure(t, r, exitFailure, "interrupted")
	}
}

func TestStatusWaitsUntilTheNodeIsReady(t *testing.T) {
	node := newFakeNode(t)
	waiting := readyStatus()
	waiting.Exchange.Ready = false
	node.status = []api.Status{waiting, waiting, readyStatus()}
	var status api.Status
	mustDecode(t, mustHedgehog(t, "status", "--wait", "20s", "--json", "--node", node.url), &status)
	if !status.Exchange.Ready {
		t.Errorf("the wait is over before the node is ready: %+v", status)
	}
}

func TestAWaitThatIsTooShortSaysWhatIsLacking(t *testing.T) {
	node := newFakeNode(t)
	waiting := readyStatus()
	waiting.Exchange = api.ExchangeStatus{Name: "binance", Error: "exchange unavailable"}
	node.status = []api.Status{waiting}
	r := hedgehog(t.Context(), "status", "--wait", "250ms", "--node", node.url)
	checkFailure(t, r, exitFailure, "not ready after 250ms: exchange binance: exchange unavailable")
}

package exchangetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// patience is how long a call may take before it counts as hanging.
const patience = 20 * time.Second

// Fixture is an exchange that nobody else uses: one account with Balances, no
// order and no trade so far.
type Fixture struct {
	Exchange exchange.Exchange
	// Symbol is the market that the suite trades in, with the rules of Symbol().
	Symbol exchange.Symbol
	// Trade lets a trade between others pass and returns its id, one more than
	// that of the trade before. It fills the orders that it goes through.
	Trade func(price, quantity string) (id int64)
}

// Symbol returns the market that a Fixture has to list.
func Symbol() exchange.Symbol {
	return exchange.Symbol{
		Name:                "XRPUSDT",
		Status:              "TRADING",
		BaseAsset:           "XRP",
		QuoteAsset:          "USDT",
		BaseAssetPrecision:  8,
		QuoteAssetPrecision: 8,
		Filters: exchange.Filters{
			MinPrice: dec("0.0001"), MaxPrice: dec("1000"), TickSize: dec("0.0001"),
			MinQuantity: dec("0.1"), MaxQuantity: dec("9000000"), StepSize: dec("0.1"),
			NotionalFilter: "NOTIONAL", MinNotional: dec("5"), MaxNotional: dec("9000000"),
			MaxNumOrders: 200,
		},
	}
}

// Commission is the share of what is received that a Fixture takes of each fill.
func Commission() decimal.Decimal { return dec("0.001") }

// Balances returns what a Fixture's account holds at first.
func Balances() map[string]decimal.Decimal {
	return map[string]decimal.Decimal{"XRP": dec("1000"), "USDT": dec("1000")}
}

// Run checks the exchange that open returns, anew for each promise.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, promise := range []struct {
		name  string
		check func(ctx context.Context, t *testing.T, f Fixture)
	}{
		{"lists its symbols with their filters", listsSymbols},
		{"tells the time", tellsTime},
		{"finds a placed order by both of its ids", findsPlacedOrder},
		{"refuses orders that break a filter, by its name", refusesByFilter},
		{"refuses orders beyond the balance", refusesBeyondBalance},
		{"keeps client order ids unique among open orders", keepsClientIDsUnique},
		{"cancels orders by both of their ids", cancelsOrders},
		{"does not know orders that were never placed", doesNotKnowOrders},
		{"does not know symbols that it does not list", doesNotKnowSymbols},
		{"lists open orders", listsOpenOrders},
		{"lists all orders in pages", pagesAllOrders},
		{"lets an order rest until a trade goes through its price", restsUntilTradedThrough},
		{"takes the commission off what is received", takesCommission},
		{"lists past trades in pages", pagesTrades},
		{"serves several callers at once", servesSeveralCallers},
		{"streams trades in order after Connected", streamsTrades},
		{"returns the error of a trade sink", returnsTradeSinkError},
		{"ends a stream of trades with the cause of its context", endsTradesWithCause},
		{"streams the updates of orders after Connected", streamsOrders},
		{"returns the error of an order sink", returnsOrderSinkError},
		{"ends a stream of orders with the cause of its context", endsOrdersWithCause},
	} {
		t.Run(promise.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), patience, fmt.Errorf("no end in %s", patience))
			defer cancel()
			promise.check(ctx, t, open(t))
		})
	}
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// order returns a limit order of the fixture's symbol.
func (f Fixture) order(clientID string, side exchange.Side, price, quantity string) exchange.LimitOrder {
	return exchange.LimitOrder{Symbol: f.Symbol.Name, ClientID: clientID, Side: side, Price: dec(price), Quantity: dec(quantity)}
}

// place places an order that has to be accepted.
func (f Fixture) place(ctx context.Context, tb testing.TB, clientID string, side exchange.Side, price, quantity string) exchange.Order {
	tb.Helper()
	update, err := f.Exchange.PlaceLimitOrder(ctx, f.order(clientID, side, price, quantity))
	if err != nil {
		tb.Fatalf("place %s: %v", clientID, err)
	}
	return update.Order
}

// state returns an order's state, which has to be known.
func (f Fixture) state(ctx context.Context, tb testing.TB, id int64) exchange.Order {
	tb.Helper()
	order, err := f.Exchange.Order(ctx, exchange.OrderRef{Symbol: f.Symbol.Name, ID: id})
	if err != nil {
		tb.Fatalf("query order %d: %v", id, err)
	}
	return order
}

// balance returns the account's balance of an asset, zero when it lists none.
func (f Fixture) balance(ctx context.Context, tb testing.TB, asset string) exchange.Balance {
	tb.Helper()
	account, err := f.Exchange.Account(ctx)
	if err != nil {
		tb.Fatalf("account: %v", err)
	}
	for _, b := range account.Balances {
		if b.Asset == asset {
			return b
		}
	}
	return exchange.Balance{Asset: asset}
}

func wantError(tb testing.TB, what string, err error, targets ...error) {
	tb.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			tb.Errorf("%s: error %v, want one that is %q", what, err, target)
		}
	}
}

func wantAmount(tb testing.TB, what string, got decimal.Decimal, want string) {
	tb.Helper()
	if !got.Equal(dec(want)) {
		tb.Errorf("%s is %s, want %s", what, got, want)
	}
}

func ids(orders []exchange.Order) []int64 {
	var ids []int64
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return ids
}

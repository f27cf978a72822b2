package naive_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/strategy/naive"
)

// speechless is an exchange whose answers to orders get lost, as do those to the
// questions whether it has taken them.
type speechless struct{ exchange.Exchange }

func (s speechless) PlaceLimitOrder(ctx context.Context, o exchange.LimitOrder) (exchange.OrderUpdate, error) {
	if _, err := s.Exchange.PlaceLimitOrder(ctx, o); err != nil {
		return exchange.OrderUpdate{}, err
	}
	return exchange.OrderUpdate{}, fmt.Errorf("the test loses the answer: %w", exchange.ErrUnknownOutcome)
}

// Sent again, an order that has filled meanwhile would be a second one.
func TestATraderEndsWithAnOrderOfUnknownOutcomeAndTheNextOneFindsIt(t *testing.T) {
	engine := newEngine(t, nil)
	local := sim.NewLocal(engine, account, "hedgehog/test (unknown outcome)")
	d := newDesk(t, engine, local, nil)
	config := naive.Config{
		Symbol: d.symbol, Fee: naive.DefaultFee, Settings: workedSettings(), ActOn: exchange.Live, Now: d.now.Now,
	}
	handle := func(ex exchange.Exchange, id int64) (*naive.Trader, error) {
		trader := naive.New(config, ex, d.bus.Publisher(bus.Positions("XRPUSDT")), nil, quiet())
		if err := trader.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		return trader, trader.Handle(t.Context(), &exchange.TradeEvent{
			Symbol: "XRPUSDT", ID: id, Price: decimal.RequireFromString("0.4318"), Quantity: decimal.New(1, 6),
		})
	}
	first, err := handle(speechless{local}, 1)
	if !errors.Is(err, exchange.ErrUnknownOutcome) {
		t.Fatalf("the trader goes on with %v, want it to end with %v", err, exchange.ErrUnknownOutcome)
	}
	config.Restore = first.Status().Positions
	if _, err := handle(local, 2); err != nil {
		t.Fatal(err)
	}
	wantOrders(t, d.accepted(), "BUY 0.4307 NEW")
}

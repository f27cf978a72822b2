package exchangetest_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/exchangetest"
	"hedgehog/exchange/sim"
)

// openEngine returns a simulated exchange as the suite wants it, and what lets
// trades pass on it.
func openEngine(tb testing.TB) (*sim.Engine, func(price, quantity string) int64) {
	tb.Helper()
	cfg := sim.DefaultConfig(sim.InfoFor([]exchange.Symbol{exchangetest.Symbol()}))
	cfg.Commission = exchangetest.Commission()
	cfg.Balances = exchangetest.Balances()
	engine, err := sim.New(cfg)
	if err != nil {
		tb.Fatalf("open the engine: %v", err)
	}
	tb.Cleanup(func() {
		if err := engine.Close(); err != nil {
			tb.Errorf("close the engine: %v", err)
		}
	})
	var last int64
	return engine, func(price, quantity string) int64 {
		tb.Helper()
		last++
		err := engine.Trade(exchange.TradeEvent{
			Symbol:    exchangetest.Symbol().Name,
			ID:        last,
			Price:     decimal.RequireFromString(price),
			Quantity:  decimal.RequireFromString(quantity),
			TradeTime: exchange.MicrosOf(engine.Now()),
		})
		if err != nil {
			tb.Fatalf("trade %d: %v", last, err)
		}
		return last
	}
}

func TestTheSimulatedExchangeInMemoryKeepsThePromises(t *testing.T) {
	exchangetest.Run(t, func(t *testing.T) exchangetest.Fixture {
		engine, trade := openEngine(t)
		return exchangetest.Fixture{
			Exchange: sim.NewLocal(engine, "alice", "exchangetest"),
			Symbol:   exchangetest.Symbol(),
			Trade:    trade,
		}
	})
}

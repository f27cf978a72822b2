package optimize

import (
	"context"
	"fmt"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Local makes trials in this process, each on the goroutine that asks for it.
type Local struct {
	config backtest.Config
	trades *Trades
}

// NewLocal returns a runner on the trades. The settings and hooks of config are not
// used.
func NewLocal(config backtest.Config, trades *Trades) *Local {
	config.Order, config.Fill, config.Progress, config.NoCurve = nil, nil, nil, true
	return &Local{config: config, trades: trades}
}

// Try is Runner's.
func (l *Local) Try(ctx context.Context, w Window, s naive.Settings) (in, out Figures, err error) {
	if in, err = l.part(ctx, w.From, w.Split, s); err != nil {
		return Figures{}, Figures{}, fmt.Errorf("in sample: %w", err)
	}
	if out, err = l.part(ctx, w.Split, w.To, s); err != nil {
		return Figures{}, Figures{}, fmt.Errorf("out of sample: %w", err)
	}
	return in, out, nil
}

func (l *Local) part(ctx context.Context, from, to exchange.Micros, s naive.Settings) (Figures, error) {
	config := l.config
	config.Settings = s
	result, err := backtest.Run(ctx, config, l.trades.Between(from, to))
	if err != nil {
		return Figures{}, err
	}
	return figuresOf(&result), nil
}

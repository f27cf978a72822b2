package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

// openExchange makes the client of the configured exchange. The embedded one is
// opened with it; the function that it returns runs that until its context ends.
func (n *Node) openExchange() (run func(context.Context) error, err error) {
	config, err := n.config.exchange()
	if err != nil {
		return nil, err
	}
	run = func(context.Context) error { return nil }
	if n.config.Exchange == ExchangeSim {
		var address string
		if address, run, err = n.openSimulated(); err != nil {
			return nil, fmt.Errorf("embedded exchange: %w", err)
		}
		config = n.config.withAccount(binance.At("http://"+address), true)
	}
	n.exchangeURL = config.RESTURL
	// The fence: no order goes out that could be accepted after our lease has ended.
	config.Guard = func(_ context.Context, symbol string, timestamp time.Time, window time.Duration) error {
		return n.guard.Check(symbol, timestamp, window)
	}
	config.Jitter = n.around.Jitter
	n.around.Exchange(&config)
	if n.client, err = binance.New(config, n.log); err != nil {
		return nil, fmt.Errorf("exchange %s: %w", n.config.Exchange, err)
	}
	return run, nil
}

// openSimulated opens a simulated exchange whose prices walk at random. It is
// reached over loopback in the exchange's own protocol, as any other is.
func (n *Node) openSimulated() (address string, run func(context.Context) error, err error) {
	symbols := make([]exchange.Symbol, 0, len(n.config.SimSymbols))
	for _, name := range n.config.SimSymbols {
		s, err := sim.SymbolFor(name)
		if err != nil {
			return "", nil, err
		}
		symbols = append(symbols, s)
	}
	config := sim.DefaultConfig(sim.InfoFor(symbols))
	config.DataDir = filepath.Join(n.config.DataDir, "exchange")
	config.Journal = filepath.Join(n.config.DataDir, "exchange", "journal.jsonl")
	config.Log = n.log
	engine, err := sim.New(config)
	if err != nil {
		return "", nil, err
	}
	fail := func(err error) (string, func(context.Context) error, error) {
		return "", nil, errors.Join(err, engine.Close())
	}
	walk := sim.DefaultWalk(n.config.SimSymbols)
	walk.Seed = n.config.SimSeed
	prices, err := sim.NewWalk(walk, engine)
	if err != nil {
		return fail(err)
	}
	front, err := server.New(server.DefaultConfig(), engine, n.log)
	if err != nil {
		return fail(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	run = func(ctx context.Context) error {
		running, runCtx := errgroup.WithContext(ctx)
		running.Go(func() error { return front.Run(runCtx, listener) })
		running.Go(func() error { return prices.Run(runCtx) })
		err := running.Wait()
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, engine.Close())
	}
	return listener.Addr().String(), run, nil
}

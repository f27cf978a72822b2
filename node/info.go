package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// infoRefresh is how often the exchange info is read again for new symbols and
// changed filters. A running trader keeps the filters that it started with.
const infoRefresh = time.Hour

// errNotReady is returned while the exchange info is not known.
var errNotReady = errors.New("the exchange has not answered yet")

// followExchangeInfo reads the exchange info, seeds the settings of its symbols
// and starts what is switched on; then it keeps the info fresh.
func (n *Node) followExchangeInfo(ctx context.Context) error {
	for {
		pauses := backoff.NewExponentialBackOff()
		pauses.MaxInterval, pauses.RandomizationFactor = 30*time.Second, n.around.Jitter
		_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, n.readExchangeInfo(ctx) },
			backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0),
			backoff.WithNotify(func(err error, pause time.Duration) {
				n.log.Warn("exchange info not read, trying again", "error", err, "pause", pause)
			}))
		if err != nil {
			return err
		}
		if err := pause(ctx, infoRefresh); err != nil {
			return err
		}
	}
}

func (n *Node) readExchangeInfo(ctx context.Context) error {
	info, err := n.client.ExchangeInfo(ctx)
	if err == nil && len(info.Symbols) == 0 {
		err = errors.New("the exchange lists no symbols")
	}
	if err == nil {
		err = n.useExchangeInfo(ctx, info)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.infoError = err
	return err
}

// useExchangeInfo takes the info over, gives new symbols their settings, and lets
// what is switched on begin.
func (n *Node) useExchangeInfo(ctx context.Context, info exchange.ExchangeInfo) error {
	symbols := make(map[string]exchange.Symbol, len(info.Symbols))
	for _, s := range info.Symbols {
		symbols[s.Name] = s
	}
	n.mu.Lock()
	n.symbols = symbols
	n.mu.Unlock()
	if err := n.store.db.PutRules(ctx, info.Symbols); err != nil {
		return err
	}
	if err := n.seed(ctx, info.Names()); err != nil {
		return err
	}
	n.mu.Lock()
	first := !n.ready
	n.ready = true
	n.mu.Unlock()
	if first {
		n.log.Info("exchange info read", "symbols", len(symbols))
		n.agent.Wake()
	}
	return nil
}

// symbolsPerSeed keeps the commands that seed small.
const symbolsPerSeed = 500

// seed gives the symbols that have no settings yet the default ones, everything
// off, in the whole cluster.
func (n *Node) seed(ctx context.Context, names []string) error {
	settings, err := n.store.db.AllSettings(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(settings))
	for _, s := range settings {
		known[s.Symbol] = true
	}
	fresh := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return known[name] })
	for batch := range slices.Chunk(fresh, symbolsPerSeed) {
		if _, err := n.propose(ctx, storage.Command{Seed: batch}); err != nil {
			return fmt.Errorf("seed settings: %w", err)
		}
	}
	return nil
}

// symbol returns the rules of a symbol.
func (n *Node) symbol(name string) (exchange.Symbol, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.symbols == nil {
		if n.infoError != nil {
			return exchange.Symbol{}, fmt.Errorf("%w: %w", errNotReady, n.infoError)
		}
		return exchange.Symbol{}, errNotReady
	}
	s, ok := n.symbols[name]
	if !ok {
		return exchange.Symbol{}, fmt.Errorf("%w: %q is not one of the %d that the exchange lists", exchange.ErrUnknownSymbol, name, len(n.symbols))
	}
	return s, nil
}

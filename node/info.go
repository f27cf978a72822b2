package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hedgehog/exchange"
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
		pauses.MaxInterval = 30 * time.Second
		_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, n.readExchangeInfo(ctx) },
			backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0),
			backoff.WithNotify(func(err error, pause time.Duration) {
				n.log.Warn("exchange info not read, trying again", "error", err, "pause", pause)
			}))
		if err != nil {
			return err
		}
		select {
		case <-time.After(infoRefresh):
		case <-ctx.Done():
			return context.Cause(ctx)
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

func (n *Node) useExchangeInfo(ctx context.Context, info exchange.ExchangeInfo) error {
	names := info.Names()
	added, err := n.store.db.SeedSettings(ctx, names)
	if err != nil {
		return err
	}
	symbols := make(map[string]exchange.Symbol, len(info.Symbols))
	for _, s := range info.Symbols {
		symbols[s.Name] = s
	}
	n.mu.Lock()
	n.symbols = symbols
	ready := n.ready
	n.mu.Unlock()
	if ready {
		return nil
	}
	n.log.Info("exchange info read", "symbols", len(names), "settings_added", added)
	active, err := n.store.db.ActiveSettings(ctx)
	if err != nil {
		return err
	}
	for _, s := range active {
		if err := n.applyStored(ctx, s.Symbol); err != nil {
			return fmt.Errorf("start %s: %w", s.Symbol, err)
		}
	}
	n.mu.Lock()
	n.ready = true
	n.mu.Unlock()
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

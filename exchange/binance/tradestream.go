package binance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"hedgehog/exchange"
)

// StreamTrades hands sink the trades of symbol as they happen. Their ids rise
// strictly from one call of sink.Connected to the next.
func (c *Client) StreamTrades(ctx context.Context, symbol string, sink exchange.TradeSink) error {
	f := &tradeFeed{client: c, symbol: symbol, sink: sink}
	f.progress.L = &f.mu
	return c.follow(ctx, f, c.log.With("symbol", symbol))
}

// tradeFeed is the stream of one symbol's trades. While a connection is being
// replaced two goroutines read, and hand over one after the other.
type tradeFeed struct {
	client *Client
	symbol string
	sink   exchange.TradeSink

	mu       sync.Mutex
	progress sync.Cond // last has risen, or a link is over
	last     int64     // id of the last trade handed over; 0: none since the last gap
}

func (f *tradeFeed) open(ctx context.Context) (*conn, error) {
	if err := f.client.checkSymbol(ctx, f.symbol); err != nil {
		return nil, err
	}
	return f.client.subscribed(ctx, f.client.cfg.StreamURL+"/ws?timeUnit=MICROSECOND", cost{urgent: true}, f.subscribe)
}

// subscribe asks for the trades and waits for the proof that they come from now
// on: the answer, or a trade that overtakes it, which is kept for read. A
// connection whose address names the stream has no such proof, and what passes
// between its handshake and its subscription would be lost after Connected.
func (f *tradeFeed) subscribe(cn *conn) error {
	err := cn.send(map[string]any{"id": 1, "method": "SUBSCRIBE", "params": []string{strings.ToLower(f.symbol) + "@trade"}})
	if err != nil {
		return err
	}
	message, err := cn.next()
	if err != nil {
		return err
	}
	var t exchange.TradeEvent
	switch err := decodeTrade(message, f.symbol, &t); {
	case errors.Is(err, errAnswer):
		return nil
	case err != nil:
		return fmt.Errorf("subscribe: %w", err)
	default:
		cn.hold()
		return nil
	}
}

func (f *tradeFeed) connected(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = 0
	return f.sink.Connected(ctx)
}

func (f *tradeFeed) read(ctx context.Context, l *link) error {
	defer f.end(l)
	for {
		frame, err := l.conn.next()
		if err != nil {
			return err
		}
		// A new one for each trade: the sink may keep it.
		t := new(exchange.TradeEvent)
		switch err := decodeTrade(frame, f.symbol, t); {
		case errors.Is(err, errShutdown):
			l.announceEnd()
			continue
		case errors.Is(err, errAnswer):
			continue // to subscribe, overtaken by a trade
		case err != nil:
			return badFrame{err}
		}
		if l.before != nil {
			if err := f.takeOver(ctx, l, t.ID); err != nil {
				return err
			}
		}
		if err := f.hand(ctx, t); err != nil {
			return sinkError{err}
		}
	}
}

// hand gives a trade to the sink unless another link has done so.
func (f *tradeFeed) hand(ctx context.Context, t *exchange.TradeEvent) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.ID <= f.last {
		return nil
	}
	if err := f.sink.Trade(ctx, t); err != nil {
		return err
	}
	f.last = t.ID
	f.progress.Broadcast()
	return nil
}

// takeOver waits, at the first trade of a link, until the link before it has
// handed over all earlier trades, and ends that. If it ended by itself before
// that, there is a gap like any other.
func (f *tradeFeed) takeOver(ctx context.Context, l *link, first int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.last < first-1 && !l.before.over {
		f.progress.Wait()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if f.last < first-1 {
		f.last = 0
		if err := f.sink.Connected(ctx); err != nil {
			return sinkError{err}
		}
	}
	l.before.conn.close()
	l.before = nil
	return nil
}

// end wakes a link that waits to take over from l.
func (f *tradeFeed) end(l *link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l.over = true
	f.progress.Broadcast()
}

package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// StreamOrders hands sink the updates of the account's orders, of all symbols.
// It also returns when the exchange refuses the key.
func (c *Client) StreamOrders(ctx context.Context, sink exchange.OrderSink) error {
	if c.sign == nil {
		return fmt.Errorf("stream of orders: %w", errNoKey)
	}
	return c.follow(ctx, &orderFeed{client: c, sink: sink}, c.log.With("stream", "orders"))
}

// orderFeed is the stream of the account's order updates. While a connection is
// being replaced two goroutines read; updates may then come twice.
type orderFeed struct {
	client *Client

	mu   sync.Mutex // one call of the sink at a time
	sink exchange.OrderSink
}

// open connects to the WebSocket API and subscribes. Events that come before the
// answer are passed over: they are older than Connected, or come over the old
// connection as well.
func (f *orderFeed) open(ctx context.Context) (*conn, error) {
	c := f.client
	clock, err := c.clock.current(ctx)
	if err != nil {
		return nil, err
	}
	price := cost{weight: 4, urgent: true} // 2 to connect, 2 to subscribe
	cn, err := c.subscribed(ctx, c.cfg.APIURL+"?timeUnit=MICROSECOND", price, func(cn *conn) error { return f.subscribe(ctx, cn, clock) })
	if errors.Is(err, exchange.ErrStaleTimestamp) {
		_, measured := c.clock.replace(ctx, clock)
		return nil, errors.Join(err, measured)
	}
	return cn, err
}

// subscribe sends the signed subscription and waits for its answer.
func (f *orderFeed) subscribe(ctx context.Context, cn *conn, clock ClockEstimate) error {
	const id = "subscribe"
	c := f.client
	payload, _, err := c.stamp(ctx, clock, url.Values{"apiKey": {string(c.cfg.APIKey)}}, "")
	if err != nil {
		return err
	}
	stamped, err := url.ParseQuery(payload)
	if err != nil {
		return err
	}
	timestamp, err := strconv.ParseInt(stamped.Get("timestamp"), 10, 64)
	if err != nil {
		return err
	}
	err = cn.send(map[string]any{
		"id":     id,
		"method": "userDataStream.subscribe.signature",
		"params": map[string]any{
			"apiKey":     string(c.cfg.APIKey),
			"recvWindow": json.Number(stamped.Get("recvWindow")),
			"timestamp":  timestamp,
			"signature":  c.sign(payload),
		},
	})
	if err != nil {
		return err
	}
	for {
		message, err := cn.next()
		if err != nil {
			return err
		}
		var answer struct {
			ID     any         `json:"id"`
			Status int         `json:"status"`
			Error  *wire.Error `json:"error"`
		}
		if err := json.Unmarshal(message, &answer); err != nil {
			return fmt.Errorf("answer of the subscription: %w", err)
		}
		switch {
		case answer.Status == 0:
			continue // an event
		case answer.Error != nil:
			answer.Error.Status = answer.Status
			return fmt.Errorf("subscribe: %w", answer.Error)
		case answer.ID != id || answer.Status != 200:
			return fmt.Errorf("answer of the subscription: id %v, status %d", answer.ID, answer.Status)
		default:
			return nil
		}
	}
}

func (f *orderFeed) connected(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sink.Connected(ctx)
}

func (f *orderFeed) read(ctx context.Context, l *link) error {
	if l.before != nil {
		// What the old connection has got already is on its way to us.
		overlap := time.AfterFunc(f.client.cfg.Overlap, l.before.conn.close)
		defer overlap.Stop()
	}
	for {
		message, err := l.conn.next()
		if err != nil {
			return err
		}
		update := new(exchange.OrderUpdate)
		kind, err := decodeAccountEvent(message, update)
		switch {
		case err != nil:
			return badFrame{err}
		case kind == eventShutdown:
			l.announceEnd()
		case kind == eventTerminated:
			return errors.New("the exchange ended the subscription")
		case kind == eventOrder:
			if err := f.hand(ctx, update); err != nil {
				return sinkError{err}
			}
		}
	}
}

func (f *orderFeed) hand(ctx context.Context, update *exchange.OrderUpdate) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sink.OrderUpdate(ctx, update)
}

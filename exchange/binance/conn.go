package binance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
)

const (
	// maxFrame is how many bytes a message from the exchange may have.
	maxFrame = 1 << 20
	// writeTimeout bounds sending a pong or a request.
	writeTimeout = 10 * time.Second
)

// badFrame is the error for a message that can't be understood.
type badFrame struct{ error }

// conn is a websocket that is read by one goroutine. Pings are answered while it
// waits for the next message, so only once all messages before them were read.
type conn struct {
	ws      *websocket.Conn
	timeout time.Duration // of silence
	message bytes.Buffer
	held    bool // message is to be read once more
}

// subscribed opens a websocket, at the cost that the exchange counts for it, and
// has subscribe make it ready to be read.
func (c *Client) subscribed(ctx context.Context, address string, price cost, subscribe func(*conn) error) (*conn, error) {
	cn, err := c.dial(ctx, address, price)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, cn.close)
	err = subscribe(cn)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		cn.close()
		return nil, err
	}
	return cn, nil
}

// dial opens a websocket. A refusal of the handshake by the exchange is a
// *wire.Error; other errors wrap exchange.ErrUnavailable.
func (c *Client) dial(ctx context.Context, address string, price cost) (*conn, error) {
	if err := c.dials.Wait(ctx); err != nil {
		return nil, err
	}
	g, err := c.limits.acquire(ctx, price)
	if err != nil {
		return nil, err
	}
	defer c.limits.settle(g, nil)
	dialer := websocket.Dialer{
		NetDialContext:   c.dialNetwork,
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: c.cfg.DialTimeout,
		ReadBufferSize:   16 << 10,
	}
	ws, response, err := dialer.DialContext(ctx, address, http.Header{"User-Agent": {c.cfg.UserAgent}})
	if errors.Is(err, websocket.ErrBadHandshake) && response.StatusCode >= 400 {
		// gorilla has read the beginning of the body already.
		body, _ := io.ReadAll(response.Body)
		return nil, c.refusal(request{method: http.MethodGet, path: response.Request.URL.Path}, response, body)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: websocket %s: %w", exchange.ErrUnavailable, address, err)
	}
	c.stats.connections.Add(1)
	ws.SetReadLimit(maxFrame)
	cn := &conn{ws: ws, timeout: c.cfg.ReadTimeout}
	ws.SetPingHandler(cn.pong)
	return cn, nil
}

func (c *conn) pong(payload string) error {
	now := time.Now()
	if err := c.ws.SetReadDeadline(now.Add(c.timeout)); err != nil {
		return err
	}
	return c.ws.WriteControl(websocket.PongMessage, []byte(payload), now.Add(writeTimeout))
}

// next waits for the next text message. The bytes are valid until the call after.
func (c *conn) next() ([]byte, error) {
	if c.held {
		c.held = false
		return c.message.Bytes(), nil
	}
	if err := c.ws.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return nil, err
	}
	kind, r, err := c.ws.NextReader()
	if err == nil && kind != websocket.TextMessage {
		return nil, badFrame{errors.New("binary message: want text")}
	}
	if err == nil {
		c.message.Reset()
		_, err = c.message.ReadFrom(r)
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		err = badFrame{fmt.Errorf("message of more than %d bytes", maxFrame)}
	}
	return c.message.Bytes(), err
}

// hold has next return the last message once more. Nothing is read meanwhile, so
// no ping behind that message is answered.
func (c *conn) hold() { c.held = true }

// send writes a request. It must not be called by several goroutines at once.
func (c *conn) send(v any) error {
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.ws.WriteJSON(v)
}

// close says goodbye, if that can be done at once, and ends the connection and a
// next under way. It may be called more than once and by any goroutine.
func (c *conn) close() {
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = c.ws.Close()
}

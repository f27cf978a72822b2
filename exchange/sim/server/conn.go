package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
)

const (
	// closeWait is how long a client has to answer a close frame.
	closeWait = time.Second
	// writeChunk is about how many bytes are put into one write.
	writeChunk = 64 << 10
)

// protocolError is a client's breach of the rules that ends its connection.
type protocolError struct {
	code   int // of the close frame
	reason string
}

func (e *protocolError) Error() string { return fmt.Sprintf("%s (close code %d)", e.reason, e.code) }

// conn is one websocket connection. Its run method reads, and starts and awaits
// the one goroutine that writes. Anyone may queue frames with Trade, send and
// ping, also before the handshake is through.
type conn struct {
	cfg    Config
	out    *outbox
	ws     *websocket.Conn                // set before run
	socket atomic.Pointer[websocket.Conn] // the same, for those who don't know when

	unit     timeUnit
	combined atomic.Bool   // trades are wrapped with their stream's name
	ended    chan struct{} // closed when the connection is over and listens to nothing more
	recent   []time.Time   // of the latest messages; the reader's own

	mu       sync.Mutex
	pings    []sentPing // guarded by mu: not answered yet, oldest first
	lastPing uint64     // guarded by mu
	hurried  bool       // guarded by mu: writes may not block for long any more
}

// sentPing is a ping whose payload is its number.
type sentPing struct {
	number   uint64
	sent     time.Time
	answered chan struct{} // closed with the pong
}

func newConn(cfg Config, unit timeUnit) *conn {
	return &conn{cfg: cfg, unit: unit, out: newOutbox(cfg.QueueLimit), ended: make(chan struct{})}
}

// connected is called with the end of the handshake.
func (c *conn) connected(ws *websocket.Conn) {
	c.ws = ws
	c.socket.Store(ws)
}

// Trade queues a trade. It is called under the engine's lock.
func (c *conn) Trade(t *exchange.TradeEvent) { c.queue(item{trade: t}) }

// send queues a text message.
func (c *conn) send(payload []byte) {
	c.queue(item{opcode: websocket.TextMessage, payload: payload})
}

// queue adds a frame, and cuts off a client that has let too many wait: a close
// frame would not reach it behind them.
func (c *conn) queue(i item) {
	if c.out.push(i) {
		return
	}
	if ws := c.socket.Load(); ws != nil {
		ws.NetConn().Close()
	}
}

// Await returns when the client has answered a ping that is queued behind all
// trades so far, when the connection is over, or when ctx ends.
func (c *conn) Await(ctx context.Context) error {
	answered := c.ping()
	select {
	case <-answered:
		return nil
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ping queues a ping and returns a channel that is closed with its pong.
func (c *conn) ping() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastPing++
	answered := make(chan struct{})
	c.pings = append(c.pings, sentPing{c.lastPing, time.Now(), answered})
	c.queue(item{opcode: websocket.PingMessage, payload: strconv.AppendUint(nil, c.lastPing, 10)})
	return answered
}

// pong notes an answer and says whether it is to a ping of ours. A client may
// answer only the latest of several pings, so earlier ones count as answered too.
func (c *conn) pong(payload string) bool {
	number, err := strconv.ParseUint(payload, 10, 64)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pings) == 0 || number < c.pings[0].number || number > c.lastPing {
		return false
	}
	for len(c.pings) > 0 && c.pings[0].number <= number {
		close(c.pings[0].answered)
		c.pings = c.pings[1:]
	}
	return true
}

// overdue says whether a ping has stayed unanswered for too long.
func (c *conn) overdue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pings) > 0 && time.Since(c.pings[0].sent) > c.cfg.PongWait
}

// run hands the client's text messages to take until the connection is over.
// perSecond, where it is above 0, is how many frames a second the client may
// send. farewell makes the announcement of the end by age or by closing. The
// error says why the connection ended; nil: the server wanted it.
func (c *conn) run(closing <-chan struct{}, perSecond int, take func([]byte) error, farewell func() []byte) error {
	gone := make(chan struct{}) // the reader is done
	written := make(chan error, 1)
	go func() { written <- c.write(closing, gone, farewell) }()

	err := c.read(perSecond, take)
	var breach *protocolError
	if errors.As(err, &breach) {
		c.queue(closeFrame(breach.code, breach.reason)) // ends the writer
	} else {
		close(gone)
	}
	c.hurry()
	writeErr := <-written
	byServer := breach == nil && errors.Is(writeErr, errClosed)
	if hungUp := new(websocket.CloseError); !byServer && !errors.As(err, &hungUp) {
		c.linger()
	}
	c.out.close()
	c.ws.Close()
	switch {
	case byServer:
		return nil
	case writeErr == nil || errors.Is(writeErr, errClosed):
		return err
	default:
		return writeErr
	}
}

// linger takes what a client still sends until it hangs up or closeWait is over:
// a connection closed with unread bytes would be reset, and the close frame lost.
func (c *conn) linger() {
	socket := c.ws.NetConn()
	socket.SetReadDeadline(time.Now().Add(closeWait))
	io.Copy(io.Discard, socket)
}

func (c *conn) read(perSecond int, take func([]byte) error) error {
	c.ws.SetReadLimit(c.cfg.MaxFrame)
	c.ws.SetPingHandler(func(payload string) error {
		c.queue(item{opcode: websocket.PongMessage, payload: []byte(payload)})
		return c.count(perSecond)
	})
	c.ws.SetPongHandler(func(payload string) error {
		if c.pong(payload) {
			return nil
		}
		return c.count(perSecond)
	})
	for {
		kind, message, err := c.ws.ReadMessage()
		switch {
		case err != nil:
			return err
		case kind != websocket.TextMessage:
			return &protocolError{websocket.CloseUnsupportedData, "only text frames are taken"}
		case !utf8.Valid(message):
			return &protocolError{websocket.CloseInvalidFramePayloadData, "text is not UTF-8"}
		}
		if err := c.count(perSecond); err != nil {
			return err
		}
		if err := take(message); err != nil {
			return err
		}
	}
}

// count notes a message of the client's and refuses one too many within a second.
func (c *conn) count(perSecond int) error {
	if perSecond == 0 {
		return nil
	}
	now := time.Now()
	if len(c.recent) == perSecond {
		if now.Sub(c.recent[0]) < time.Second {
			return &protocolError{websocket.ClosePolicyViolation, "Too many requests"}
		}
		c.recent = c.recent[1:]
	}
	c.recent = append(c.recent, now)
	return nil
}

// The writer's ends.
var (
	errClosed = errors.New("close frame sent")
	errSlow   = errors.New("client has let too many frames wait")
)

// write puts queued frames on the wire, pings, and ends the connection when it
// is old or the server closes.
func (c *conn) write(closing, gone <-chan struct{}, farewell func() []byte) error {
	ping := time.NewTicker(c.cfg.PingInterval)
	defer ping.Stop()
	notice := time.NewTimer(c.cfg.MaxConnectionAge - c.cfg.ShutdownNotice)
	defer notice.Stop()
	age := time.NewTimer(c.cfg.MaxConnectionAge)
	defer age.Stop()
	w := frameWriter{conn: c}
	for {
		select {
		case <-c.out.ready:
		case <-ping.C:
			if c.overdue() {
				c.ws.NetConn().Close()
				return fmt.Errorf("no pong within %s", c.cfg.PongWait)
			}
			c.ping()
		case <-notice.C:
			c.send(farewell())
		case <-age.C:
			c.queue(closeFrame(websocket.CloseNormalClosure, "connection has reached its age"))
		case <-closing:
			c.send(farewell())
			c.queue(closeFrame(websocket.CloseGoingAway, "server shuts down"))
		case <-gone:
			return nil
		}
		closed, err := w.flush()
		if err != nil {
			c.ws.NetConn().Close() // so that the reader ends as well
			return err
		}
		if closed {
			c.ws.SetReadDeadline(time.Now().Add(closeWait))
			return errClosed
		}
	}
}

func closeFrame(code int, reason string) item {
	return item{opcode: websocket.CloseMessage, payload: websocket.FormatCloseMessage(code, reason)}
}

// frameWriter turns items into frames, many to a write.
type frameWriter struct {
	conn  *conn
	items []item
	buf   []byte
}

// flush writes all that is queued. closed says that a close frame was written,
// after which nothing may follow.
func (w *frameWriter) flush() (closed bool, err error) {
	c := w.conn
	clear(w.items) // so that the queue keeps no trade alive
	var full bool
	if w.items, full = c.out.take(w.items); full {
		return false, errSlow
	}
	combined := c.combined.Load()
	w.buf = w.buf[:0]
	for i, item := range w.items {
		if item.trade != nil {
			w.buf = appendTradeFrame(w.buf, item.trade, combined, c.unit)
		} else {
			w.buf = appendFrame(w.buf, item.opcode, item.payload)
		}
		closed = item.opcode == websocket.CloseMessage
		if len(w.buf) < writeChunk && i < len(w.items)-1 && !closed {
			continue
		}
		c.extendDeadline()
		if _, err := c.ws.NetConn().Write(w.buf); err != nil {
			return false, err
		}
		if closed {
			return true, nil
		}
		w.buf = w.buf[:0]
	}
	return false, nil
}

// extendDeadline gives the next write its time: PongWait, or closeWait when the
// connection is about to end.
func (c *conn) extendDeadline() {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.cfg.PongWait
	if c.hurried {
		wait = closeWait
	}
	c.ws.NetConn().SetWriteDeadline(time.Now().Add(wait))
}

// hurry shortens the time that writes may block, also one that blocks now, so
// that a client that does not read can't hold up the end.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurried = true
	if ws := c.socket.Load(); ws != nil {
		ws.NetConn().SetWriteDeadline(time.Now().Add(closeWait))
	}
}

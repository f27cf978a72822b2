package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
)

// The kinds of what a node tells on GET /live. A client passes over kinds that it
// does not know.
const (
	LiveCluster  = "cluster"  // Data is a ClusterStatus: at once, and when it changes
	LiveSymbols  = "symbols"  // Data is a []ClusterSymbol: at once, and when it changes
	LiveStatus   = "status"   // Data is a Status, of all nodes but Missing: every second
	LiveEvents   = "events"   // Data is a []ClusterEvent: the latest, then what is new
	LiveWatching = "watching" // Data is a []string: the topics that are watched from now on
	LiveMessage  = "message"  // Data is an event of Topic
	LiveDropped  = "dropped"  // Count events of Topic are left out: the client is too slow
	LiveBeat     = "beat"     // every second: the node's time
	LiveError    = "error"    // the client has asked for what can't be, or a status can't be had
)

// LiveFrame is one thing that a node tells on GET /live, a text frame of the
// websocket. Which fields it has depends on its kind.
type LiveFrame struct {
	Kind  string          `json:"kind"`
	Topic string          `json:"topic,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	// Missing are the nodes that did not answer in time.
	Missing []string        `json:"missing,omitempty"`
	Count   uint64          `json:"count,omitempty"`
	TimeUS  exchange.Micros `json:"time_us,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// LiveRequest is what a client says on GET /live: the topics, in all, that it
// watches from now on, MaxLiveTopics at most.
type LiveRequest struct {
	Watch []string `json:"watch"`
}

// MaxLiveTopics is how many topics one client may watch at a time.
const MaxLiveTopics = 16

// maxLiveFrame bounds the frames that a client reads into memory.
const maxLiveFrame = 16 << 20

// Live is a client's end of GET /live. Next is for one goroutine, Watch for one,
// Close for any.
type Live struct {
	socket *websocket.Conn
	ctx    context.Context
	forget func() bool
}

// liveSilence is how long a node may be silent, which tells a beat every second.
const liveSilence = 15 * time.Second

// Live begins to follow the cluster as the node sees it, until ctx ends or the
// caller closes it.
func (c *Client) Live(ctx context.Context) (*Live, error) {
	address := c.base.JoinPath("/api/v1/live")
	address.Scheme = map[string]string{"http": "ws", "https": "wss"}[address.Scheme]
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: callTimeout}
	// The dialer heeds ctx only until there is a connection, which a node that hangs
	// still takes.
	forget := func() bool { return true }
	dialer.NetDialContext = func(dialing context.Context, network, address string) (net.Conn, error) {
		connection, err := new(net.Dialer).DialContext(dialing, network, address)
		if err == nil {
			forget = context.AfterFunc(ctx, func() { connection.Close() })
		}
		return connection, err
	}
	socket, response, err := dialer.DialContext(ctx, address.String(), c.credentials())
	forget()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case response != nil:
		return nil, problem(response)
	default:
		return nil, c.unreachable(err)
	}
	socket.SetReadLimit(maxLiveFrame)
	l := &Live{socket: socket, ctx: ctx}
	l.forget = context.AfterFunc(ctx, func() { socket.Close() })
	return l, nil
}

// Watch replaces the topics that are watched, such as TRADE_EVENTS:XRPUSDT. A frame
// of the kind watching, or error, answers.
func (l *Live) Watch(topics ...string) error {
	if err := l.socket.SetWriteDeadline(time.Now().Add(liveSilence)); err != nil {
		return l.end(err)
	}
	if err := l.socket.WriteJSON(LiveRequest{Watch: topics}); err != nil {
		return l.end(err)
	}
	return nil
}

// Next waits for the next frame. It returns an error when there are no more: ctx's
// cause when that has ended, a StatusError of 401 when what gave access has been
// revoked or has expired, else why the connection is lost.
func (l *Live) Next() (f LiveFrame, err error) {
	if err := l.socket.SetReadDeadline(time.Now().Add(liveSilence)); err != nil {
		return f, l.end(err)
	}
	if err := l.socket.ReadJSON(&f); err != nil {
		return f, l.end(err)
	}
	return f, nil
}

// end says why the connection is of no use any more.
func (l *Live) end(err error) error {
	var closed *websocket.CloseError
	switch {
	case l.ctx.Err() != nil:
		return context.Cause(l.ctx)
	case errors.As(err, &closed) && closed.Code == websocket.ClosePolicyViolation:
		return &StatusError{Status: http.StatusUnauthorized, Message: closed.Text}
	case errors.As(err, &closed) && closed.Code == websocket.CloseGoingAway:
		return fmt.Errorf("live: the node has ended it, as it does when it stops: %w", io.EOF)
	default:
		return fmt.Errorf("live: %w", err)
	}
}

// Close ends the connection. Next then returns an error.
func (l *Live) Close() error {
	l.forget()
	if err := l.socket.Close(); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	return nil
}

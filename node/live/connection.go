package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/node/access"
	"hedgehog/node/api"
)

// connection is one client. Its fields are the writer's but for the channels, and
// for the socket's reading end.
type connection struct {
	config Config
	source Source
	socket *websocket.Conn

	frames   chan api.LiveFrame // to be written
	requests chan []byte        // what the client says

	cluster, symbols []byte // as told last
	events           uint64 // up to which the client knows them
	topics           topics
}

// errLeft ends a writer whose client has left.
var errLeft = errors.New("the client has left")

// run tells the client what goes on until one of them ends.
func (c *connection) run(ctx context.Context) {
	inner, stop := context.WithCancelCause(ctx)
	c.topics = newTopics(c.source, c.frames)
	var helping sync.WaitGroup
	left := make(chan struct{})
	helping.Go(func() {
		defer close(left)
		c.read(inner)
		stop(errLeft)
	})
	helping.Go(func() { c.askStatus(inner) })
	over := make(chan struct{})
	helping.Go(func() { c.hangUp(inner, over) })
	stop(c.write(inner))
	c.sayGoodbye(ctx, left)
	close(over)
	c.topics.close()
	helping.Wait()
}

// hangUp closes the socket, which ends reader and writer, when ctx has ended and all is
// over, or when that takes too long: the writer may be stuck with a client that takes
// nothing.
func (c *connection) hangUp(ctx context.Context, over <-chan struct{}) {
	<-ctx.Done()
	patience := time.NewTimer(2 * goodbye)
	defer patience.Stop()
	select {
	case <-over:
	case <-patience.C:
	}
	_ = c.socket.Close()
}

// goodbye is how long a client has to answer the end: a connection closed with unread
// bytes would be reset, and the reason lost.
const goodbye = 250 * time.Millisecond

// sayGoodbye tells a client that has not left why this is the end.
func (c *connection) sayGoodbye(ctx context.Context, left <-chan struct{}) {
	var message []byte
	switch {
	case errors.Is(context.Cause(ctx), access.ErrEnded):
		message = websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "what gave access to this node has been revoked or has expired: log in again")
	case ctx.Err() != nil:
		message = websocket.FormatCloseMessage(websocket.CloseGoingAway, "the node stops")
	default:
		return
	}
	if c.socket.WriteControl(websocket.CloseMessage, message, time.Now().Add(goodbye)) != nil {
		return
	}
	patience := time.NewTimer(goodbye)
	defer patience.Stop()
	select {
	case <-left:
	case <-patience.C:
	}
}

// read hands what the client says to the writer until the connection or ctx ends.
func (c *connection) read(ctx context.Context) {
	c.socket.SetReadLimit(maxRequest)
	silence := 3 * c.config.PingInterval
	alive := func(string) error { return c.socket.SetReadDeadline(time.Now().Add(silence)) }
	c.socket.SetPongHandler(alive)
	for {
		if alive("") != nil {
			return
		}
		_, content, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		select {
		case c.requests <- content:
		case <-ctx.Done():
			return
		}
	}
}

// askStatus hands the nodes' status to the writer every second until ctx ends.
func (c *connection) askStatus(ctx context.Context) {
	tick := time.NewTicker(c.config.Second)
	defer tick.Stop()
	for {
		status, missing, err := c.source.Status(ctx, c.config.StatusPatience)
		frame := frameOf(api.LiveStatus, status)
		frame.Missing = missing
		if err != nil {
			frame = problemFrame(fmt.Errorf("status: %w", err))
		}
		select {
		case c.frames <- frame:
		case <-ctx.Done():
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// write tells everything that there is to tell until ctx ends (its cause) or the
// client takes nothing any more. It alone writes, and changes the topics.
func (c *connection) write(ctx context.Context) error {
	second, look, ping := time.NewTicker(c.config.Second), time.NewTicker(c.config.Look), time.NewTicker(c.config.PingInterval)
	defer second.Stop()
	defer look.Stop()
	defer ping.Stop()
	changed := c.source.Changed()
	err := errors.Join(c.beat(), c.tellChanges(true))
	for err == nil {
		select {
		case <-changed:
			changed = c.source.Changed() // before looking, so that nothing is missed
			err = c.tellChanges(false)
		case <-look.C:
			err = c.tellChanges(false)
		case frame := <-c.frames:
			err = c.send(frame)
		case request := <-c.requests:
			err = c.send(c.carryOut(ctx, request))
		case <-second.C:
			err = c.beat()
		case <-ping.C:
			err = c.socket.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.config.WritePatience))
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return err
}

// beat shows that the node is there.
func (c *connection) beat() error {
	return c.send(api.LiveFrame{Kind: api.LiveBeat, TimeUS: c.source.Now()})
}

// tellChanges tells what of the cluster the client does not know yet.
func (c *connection) tellChanges(first bool) error {
	cluster, symbols := frameOf(api.LiveCluster, c.source.Cluster()), frameOf(api.LiveSymbols, c.source.Symbols())
	for _, now := range []struct {
		frame api.LiveFrame
		told  *[]byte
	}{{cluster, &c.cluster}, {symbols, &c.symbols}} {
		if bytes.Equal(now.frame.Data, *now.told) {
			continue
		}
		if err := c.send(now.frame); err != nil {
			return err
		}
		*now.told = now.frame.Data
	}
	events, seen := c.source.Events(c.events)
	if len(events) == 0 && !first {
		return nil
	}
	c.events = seen
	return c.send(frameOf(api.LiveEvents, events[max(0, len(events)-c.config.FirstEvents):]))
}

// carryOut does what the client asks for and returns what there is to say to that.
func (c *connection) carryOut(ctx context.Context, content []byte) api.LiveFrame {
	request, err := parse(content)
	if err != nil {
		return problemFrame(err)
	}
	watched, err := c.topics.replace(ctx, request.Watch)
	if err != nil {
		return problemFrame(err)
	}
	return frameOf(api.LiveWatching, watched)
}

func parse(content []byte) (request api.LiveRequest, err error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&request); err == nil && (request.Watch == nil || decoder.More()) {
		err = errors.New("it is something else")
	}
	if err != nil {
		return request, fmt.Errorf("want {\"watch\": [\"TRADE_EVENTS:XRPUSDT\"]}, with any number of topics: %w", err)
	}
	return request, nil
}

// send writes a frame, for as long as the client is patient with.
func (c *connection) send(frame api.LiveFrame) error {
	if err := c.socket.SetWriteDeadline(time.Now().Add(c.config.WritePatience)); err != nil {
		return err
	}
	return c.socket.WriteJSON(frame)
}

// frameOf returns a frame with data, which can always be written as JSON.
func frameOf(kind string, data any) api.LiveFrame {
	content, err := json.Marshal(data)
	if err != nil {
		return problemFrame(err)
	}
	return api.LiveFrame{Kind: kind, Data: content}
}

func problemFrame(err error) api.LiveFrame {
	return api.LiveFrame{Kind: api.LiveError, Error: err.Error()}
}

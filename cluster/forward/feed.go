package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// errReplaced ends a connection of a peer that has made another one.
var errReplaced = errors.New("replaced by a newer connection")

// feed is a peer's connection to this node, for this node's events.
type feed struct {
	*Forwarder
	peer       string
	ws         *websocket.Conn
	queue      *queue
	record     *record
	log        *slog.Logger
	cancel     context.CancelCauseFunc
	topics     map[string]func() // how to unsubscribe; of the reading goroutine
	subscribed atomic.Int64      // how many topics that is
}

// accept makes a feed of a peer's request and returns when that has ended.
func (f *Forwarder) accept(w http.ResponseWriter, r *http.Request) {
	name, _ := r.Context().Value(peerName{}).(string)
	if name == "" || name == f.cfg.Name {
		http.Error(w, "for other nodes of the cluster only", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{HandshakeTimeout: f.cfg.Handshake, WriteBufferSize: fullFrame}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil { // the peer has got an answer that says so
		f.log.Debug("connection for events refused", "peer", name, "error", err)
		return
	}
	ws.SetReadLimit(maxRequest)
	ctx, cancel := context.WithCancelCause(r.Context())
	fd := &feed{
		Forwarder: f,
		peer:      name,
		ws:        ws,
		queue:     newQueue(f.cfg.Queue),
		log:       f.log.With("peer", name),
		cancel:    cancel,
		topics:    make(map[string]func()),
	}
	fd.serve(ctx)
}

// serve sends the peer what it asks for until the connection is lost or ctx ends.
func (fd *feed) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = fd.ws.Close() })
	fd.record = fd.changeRecord(fd.peer, func(r *record) {
		if r.feed != nil {
			r.feed.cancel(errReplaced)
		}
		r.feed = fd
	})
	fd.log.Debug("peer connected for events")

	var writer sync.WaitGroup
	writer.Go(func() { fd.cancel(fd.write(ctx)) })
	fd.cancel(fd.read())
	writer.Wait()
	stop()
	_ = fd.ws.Close()
	for _, unsubscribe := range fd.topics {
		unsubscribe()
	}
	fd.record.dropped.Add(uint64(fd.queue.close()))
	fd.changeRecord(fd.peer, func(r *record) {
		if r.feed == fd {
			r.feed = nil
		}
	})
	level, reason := slog.LevelDebug, context.Cause(ctx)
	if errors.Is(reason, errProtocol) {
		level = slog.LevelWarn
	}
	fd.log.Log(ctx, level, "peer no longer connected for events", "reason", reason)
}

// read subscribes as the peer asks.
func (fd *feed) read() error {
	var message bytes.Buffer
	for {
		if err := nextMessage(fd.ws, websocket.TextMessage, &message, fd.cfg.Silence); err != nil {
			return fmt.Errorf("read requests: %w", err)
		}
		requests, err := parseRequests(message.Bytes())
		if err != nil {
			return fmt.Errorf("read requests: %w: %w", errProtocol, err)
		}
		for _, r := range requests {
			if err := fd.change(r); err != nil {
				return err
			}
		}
	}
}

func (fd *feed) change(r request) error {
	unsubscribe, known := fd.topics[r.topic]
	switch {
	case r.want && !known:
		if len(fd.topics) == maxTopics {
			return fmt.Errorf("%w: more than %d topics wanted", errProtocol, maxTopics)
		}
		fd.topics[r.topic] = fd.local.Subscribe(r.topic, func(event any) {
			if fd.queue.put(item{r.topic, event}) {
				fd.record.dropped.Add(1)
			}
		})
	case !r.want && known:
		unsubscribe()
		delete(fd.topics, r.topic)
	}
	fd.subscribed.Store(int64(len(fd.topics)))
	return nil
}

// write sends what waits, and a frame without events when nothing did for a
// while. A write has no deadline: a peer that is slow but there goes on sending
// heartbeats, and the connection of one that is not is closed by read.
func (fd *feed) write(ctx context.Context) error {
	heartbeat := time.NewTicker(fd.cfg.Heartbeat)
	defer heartbeat.Stop()
	batch := make([]item, fd.cfg.Batch)
	var frame []byte
	for {
		beat := false
		select {
		case <-fd.queue.ready:
		case <-heartbeat.C:
			beat = true
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for {
			first, n := fd.queue.take(batch)
			if n == 0 && !beat {
				break
			}
			var err error
			if frame, err = fd.send(frame, first, batch[:n]); err != nil {
				return fmt.Errorf("send events: %w", err)
			}
			clear(batch[:n])
			beat = false
		}
	}
}

// send writes the items, numbered from first on, in as many frames as they need;
// one if there are none. It returns frame for the next call to fill.
func (fd *feed) send(frame []byte, first uint64, items []item) ([]byte, error) {
	for {
		frame = appendFrameHeader(frame[:0], first)
		var taken, refused int
		for taken < len(items) && len(frame) < fullFrame {
			var err error
			if frame, err = appendEvent(frame, fd.codec, items[taken]); err != nil {
				refused++
				fd.log.Debug("event not sent", "error", err)
			}
			taken++
		}
		fd.record.dropped.Add(uint64(refused))
		if err := fd.ws.WriteMessage(websocket.BinaryMessage, frame); err != nil {
			fd.record.dropped.Add(uint64(len(items) - refused))
			return frame, err
		}
		fd.record.sent.Add(uint64(taken - refused))
		first, items = first+uint64(taken), items[taken:]
		if len(items) == 0 {
			return frame, nil
		}
	}
}

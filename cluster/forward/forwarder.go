package forward

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Codec turns events into bytes and back. Its methods are called by several
// goroutines at once.
type Codec interface {
	// Append appends the event and its topic to dst, 1 to 65,536 bytes. It changes
	// nothing of what dst holds already.
	Append(dst []byte, topic string, event any) ([]byte, error)
	// Decode is the inverse. The bytes come from another node: anything may be in
	// them. They belong to the caller again when Decode returns.
	Decode(data []byte) (topic string, event any, err error)
}

// Local is the bus of this node.
type Local interface {
	// Subscribe has deliver called with each event that is published on the topic
	// by this node itself, not with those that came from others. deliver never
	// blocks. After cancel it has no effect.
	Subscribe(topic string, deliver func(event any)) (cancel func())
	// Publish hands an event that came from another node to whoever listens here.
	// It may block, which holds back all that comes from that node, and returns an
	// error only when ctx ends meanwhile.
	Publish(ctx context.Context, topic string, event any) error
}

// Dial opens an authenticated connection to the node at the address.
type Dial func(ctx context.Context, address, node string) (net.Conn, error)

// Peer is another node.
type Peer struct {
	Name    string
	Address string // of its port, host:port
}

// Forwarder brings the events of other nodes here and those of this node to
// them. All methods but Run may be called by several goroutines, before Run too.
type Forwarder struct {
	cfg      Config
	local    Local
	codec    Codec
	listener net.Listener
	dial     Dial
	log      *slog.Logger

	wants   *wants
	peersCh chan struct{} // has a value when SetPeers was called

	mu      sync.Mutex
	records map[string]*record
}

// New returns a Forwarder that takes the connections of listener and makes its
// own with dial. The caller has validated c. Run closes the listener.
func New(c Config, local Local, codec Codec, listener net.Listener, dial Dial, log *slog.Logger) *Forwarder {
	return &Forwarder{
		cfg:      c,
		local:    local,
		codec:    codec,
		listener: listener,
		dial:     dial,
		log:      log,
		wants:    newWants(),
		peersCh:  make(chan struct{}, 1),
		records:  make(map[string]*record),
	}
}

// SetPeers says which other nodes there are. Links to those that are no longer
// named, or have another address, end.
func (f *Forwarder) SetPeers(peers []Peer) {
	f.setPeers(peers)
	select {
	case f.peersCh <- struct{}{}:
	default:
	}
}

// Want asks for the events of a topic from all peers until release is called,
// which may be done more than once. Each call counts. A topic is 1 to 256
// printable ASCII characters without spaces; another one is logged and not
// asked for.
func (f *Forwarder) Want(topic string) (release func()) {
	if !validTopic(topic) {
		f.log.Error("topic cannot be asked for", "topic", topic)
		return func() {}
	}
	f.wants.add(topic)
	return sync.OnceFunc(func() { f.wants.remove(topic) })
}

// Run serves peers and keeps the links until ctx ends, and then returns nil, or
// until the listener fails. All connections are closed when it returns, and the
// listener is too; so it runs once.
func (f *Forwarder) Run(ctx context.Context) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var conns, accepting sync.WaitGroup
	server := f.server(running, &conns)
	accepting.Go(func() {
		cancel(fmt.Errorf("accept connections for events: %w", server.Serve(f.listener)))
	})
	f.keepLinks(running)

	// Once Serve has returned, the server knows of every connection that was
	// accepted, so closing it leaves none behind.
	_ = f.listener.Close()
	accepting.Wait()
	_ = server.Close()
	conns.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(running)
}

// keepLinks keeps a link to every peer until ctx ends.
func (f *Forwarder) keepLinks(ctx context.Context) {
	running := make(map[string]*link)
	end := func(gone []*link) {
		for _, l := range gone {
			l.cancel()
		}
		for _, l := range gone {
			<-l.done
			delete(running, l.peer.Name)
		}
	}
	for {
		known := f.knownPeers()
		var gone []*link
		for name, l := range running {
			if p, ok := known[name]; !ok || p != l.peer || ctx.Err() != nil {
				gone = append(gone, l)
			}
		}
		end(gone)
		if ctx.Err() != nil {
			return
		}
		for name, p := range known {
			if running[name] == nil {
				running[name] = f.startLink(ctx, p)
			}
		}
		select {
		case <-f.peersCh:
		case <-ctx.Done():
		}
	}
}

// server returns the HTTP server for feeds. Every connection that it accepts is
// counted in conns until its handling has ended.
func (f *Forwarder) server(ctx context.Context, conns *sync.WaitGroup) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		// The connection itself is still counted here, so the group is not being
		// waited for with nothing in it.
		conns.Add(1)
		defer conns.Done()
		f.accept(w, r)
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: f.cfg.Handshake,
		IdleTimeout:       f.cfg.Handshake,
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          slog.NewLogLogger(f.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerName{}, f.cfg.PeerName(c))
		},
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				conns.Add(1)
			case http.StateHijacked, http.StateClosed:
				conns.Done()
			}
		},
	}
}

// peerName is the key of a request's context for the name of the node that sent it.
type peerName struct{}

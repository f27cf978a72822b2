package live

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/node/api"
)

// Source is what there is to tell of: the node. Its methods are called by several
// goroutines at once, and those without a context do not block.
type Source interface {
	// Cluster and Symbols return what the node knows of the cluster now.
	Cluster() api.ClusterStatus
	Symbols() []api.ClusterSymbol
	// Changed returns a channel that is closed when either may have changed, or there
	// are events. Not every change closes it: who wants to know all looks from time
	// to time too.
	Changed() <-chan struct{}
	// Events returns what has happened since an earlier call returned seen, 0 for all
	// that is remembered, oldest first.
	Events(seen uint64) (events []api.ClusterEvent, now uint64)
	// Status returns the status of all nodes, but for those that did not answer within
	// patience.
	Status(ctx context.Context, patience time.Duration) (s api.Status, missing []string, err error)
	// Watch subscribes to a topic, on whichever node it is published, until release is
	// called. The error is the client's fault.
	Watch(ctx context.Context, topic string) (sub *bus.Subscription, release func(), err error)
	// Now is the node's time.
	Now() exchange.Micros
}

// Config says how patient a server is.
type Config struct {
	// Connections is how many clients there may be at a time.
	Connections int
	// Look is how long a change that nobody tells of stays unseen at most.
	Look time.Duration
	// Second is how often a client hears a beat and the status.
	Second time.Duration
	// StatusPatience is how long other nodes have to tell their status.
	StatusPatience time.Duration
	// WritePatience is how long a client may take nothing.
	WritePatience time.Duration
	// PingInterval is how often a client is pinged; it may miss two.
	PingInterval time.Duration
	// FirstEvents is how many past events a client hears of at most.
	FirstEvents int
}

// DefaultConfig returns what nodes use.
func DefaultConfig() Config {
	return Config{
		Connections:    100,
		Look:           250 * time.Millisecond,
		Second:         time.Second,
		StatusPatience: 900 * time.Millisecond,
		WritePatience:  10 * time.Second,
		PingInterval:   10 * time.Second,
		FirstEvents:    100,
	}
}

// maxRequest bounds the frames of a client, in bytes.
const maxRequest = 8 << 10

// Server tells clients of a source.
type Server struct {
	config Config
	source Source
	places chan struct{} // has one for each client
}

// New returns a server that tells of the source.
func New(c Config, source Source) *Server {
	return &Server{config: c, source: source, places: make(chan struct{}, c.Connections)}
}

// Refusal is why a request does not become a websocket.
type Refusal struct {
	Status int // of HTTP
	Reason string
}

// Error gives the reason.
func (r *Refusal) Error() string { return r.Reason }

// Serve turns a request into a websocket and tells its client what goes on, until the
// client leaves or is cut off, or the request's context ends, which it does when its
// credentials do (access.ErrEnded). Pages of other origins are refused. The error is a
// *Refusal: nothing has been answered yet.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		return &Refusal{http.StatusServiceUnavailable, "too many follow this node already: close some pages, or ask another node"}
	}
	var refused *Refusal
	upgrader := websocket.Upgrader{
		HandshakeTimeout: s.config.WritePatience,
		Error: func(_ http.ResponseWriter, _ *http.Request, status int, reason error) {
			refused = &Refusal{status, reason.Error()}
		},
	}
	socket, err := upgrader.Upgrade(w, r, nil)
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return nil // the client has left during the handshake
	}
	c := &connection{config: s.config, source: s.source, socket: socket, frames: make(chan api.LiveFrame), requests: make(chan []byte)}
	c.run(r.Context())
	return nil
}

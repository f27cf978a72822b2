package node

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hedgehog/cluster"
	"hedgehog/cluster/forward"
	"hedgehog/cluster/gossip"
	"hedgehog/cluster/lease"
	"hedgehog/data/bus"
	"hedgehog/data/collector"
	"hedgehog/data/streamer"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/node/access"
	"hedgehog/node/backtests"
	"hedgehog/node/live"
	"hedgehog/node/metrics"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// clockMargin is how far our estimate of the exchange's clock may be off when we
// wait for a request to become void.
const clockMargin = 500 * time.Millisecond

// Node is one peer. New is the only way in; Run is called once.
type Node struct {
	config Config
	log    *slog.Logger
	around Environment
	now    func() time.Time
	bus    *bus.Bus
	// watched carries what somebody at this node watches, from whichever node.
	watched *bus.Bus
	history history
	// changes tells that something of the cluster has changed.
	changes changes
	live    *live.Server
	metrics *metrics.Metrics
	probe   probe
	replays replays
	trials  *trials

	// Made by Run, before anything that uses them starts.
	started     time.Time
	listening   net.Addr // of the API
	url         string   // likewise
	door        *access.Door
	store       store
	backtests   *backtests.Runner
	client      *binance.Client
	exchangeURL string // where the exchange's REST API is
	orders      *streamer.Orders
	parts       context.Context // what the symbols' parts run under
	membership  context.Context // ends when nothing can be committed from here any more
	run         int64           // this life of the node: when it started, in µs
	meta        gossip.Meta     // followMembers' once that runs
	port        Port
	callNet     Calls
	calls       *calls
	gossip      Gossip
	consensus   Consensus
	forwarder   *forward.Forwarder
	guard       *lease.Guard
	controller  *cluster.Controller
	agent       *cluster.Agent

	// partsChanged tells the agent that parts have started or stopped.
	partsChanged chan struct{}
	// newsWaits tells that news has something.
	newsWaits chan struct{}
	state     atomic.Pointer[cluster.State]
	address   atomic.Pointer[net.TCPAddr]

	mu      sync.Mutex // guards what follows
	groups  map[string]*group
	views   map[string]*view
	watches map[bus.Topic]*watching
	active  map[string]storage.Settings // of the symbols with anything switched on
	news    map[string]bool             // symbols whose trader has to hear of new settings
	symbols map[string]exchange.Symbol
	// revisions counts, by symbol, the changes of positions that were proposed.
	revisions map[string]int64
	// ready says that the exchange info is known.
	ready bool
	// infoError is why the exchange info could not be read the last time.
	infoError error
}

// view is what the status shows of a symbol's parts.
type view struct {
	streamer  atomic.Pointer[streamer.Streamer]
	arrivals  atomic.Pointer[metrics.Arrivals] // of the streamer's trades
	trader    atomic.Pointer[naive.Trader]
	collector atomic.Pointer[collector.Collector]
}

// New returns a node for a valid configuration, in the real world.
func New(c Config, log *slog.Logger) (*Node, error) { return NewIn(Real(), c, log) }

// NewIn returns a node for a valid configuration in an environment.
func NewIn(around Environment, c Config, log *slog.Logger) (*Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := &Node{
		config:       c,
		log:          log.With("node", c.Name),
		around:       around,
		now:          around.Now,
		bus:          bus.New(),
		watched:      bus.New(),
		trials:       newTrials(runtime.GOMAXPROCS(0) - 1),
		partsChanged: make(chan struct{}, 1),
		newsWaits:    make(chan struct{}, 1),
		groups:       make(map[string]*group),
		views:        make(map[string]*view),
		watches:      make(map[bus.Topic]*watching),
		news:         make(map[string]bool),
		revisions:    make(map[string]int64),
	}
	n.metrics = metrics.New(around.Now, n.figures, n.log)
	n.live = live.New(live.DefaultConfig(), liveSource{n})
	return n, nil
}

// Address returns where the API listens; nil before it does.
func (n *Node) Address() *net.TCPAddr { return n.address.Load() }

// Gossip returns the address at which others can join this node; empty before
// the API listens.
func (n *Node) Gossip() string {
	if n.address.Load() == nil {
		return ""
	}
	return n.gossip.Address()
}

// Run runs the node until ctx ends, and returns nil when everything has then
// stopped as it should. What can't be had at the start (address, data directory,
// database) is an error at once; an exchange that does not answer is not: the
// node waits for it.
func (n *Node) Run(ctx context.Context) (err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n.started = n.now()
	listener, err := n.around.ListenAPI(ctx, n.config.HTTP)
	if err != nil {
		return fmt.Errorf("http address %s: %w: choose another with --http", n.config.HTTP, err)
	}
	defer listener.Close()
	n.listening = listener.Addr()
	secured, scheme, err := n.withTLS(listener)
	if err != nil {
		return err
	}
	n.url = scheme + "://" + n.listening.String()
	n.door = access.New(cookieName(n.config.Name, n.listening), n.now)
	if err := os.MkdirAll(n.config.DataDir, 0o700); err != nil {
		return fmt.Errorf("data directory %s: %w: choose another with --data-dir", n.config.DataDir, err)
	}
	db, err := storage.Open(ctx, n.config.databasePath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.OnWrite(n.metrics.Wrote)
	n.store = store{db}
	n.backtests = n.openBacktests()
	if err := n.openMember(ctx); err != nil {
		return err
	}

	// The embedded exchange outlives everything that talks to it.
	simulated, err := n.openExchange()
	if err != nil {
		return err
	}
	simulatedCtx, stopSimulated := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSimulated()
	var outer errgroup.Group
	outer.Go(func() error {
		// Without its exchange the node can only end.
		err := simulated(simulatedCtx)
		if simulatedCtx.Err() == nil && n.config.Exchange == ExchangeSim {
			stop(err)
		}
		return err
	})
	defer func() {
		stopSimulated()
		err = errors.Join(err, outer.Wait())
	}()
	defer n.client.Close()
	n.orders = streamer.NewOrders(n.client, n.store, n.bus, n.traded, n.log)
	return n.serve(ctx, secured)
}

// serve runs everything that talks to the exchange, to other nodes and to users.
// On the way out the API goes first, then the member (which hands on what the
// node owns), then the symbols' parts, then the account's.
func (n *Node) serve(ctx context.Context, listener net.Listener) error {
	partsCtx, stopParts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopParts()
	n.parts = partsCtx
	membership, endMembership := context.WithCancel(context.WithoutCancel(ctx))
	defer endMembership()
	n.membership = membership
	supervisor := newSupervisor("account", n.log)
	for _, p := range n.accountParts() {
		supervisor.Add(p)
	}
	ended := supervisor.ServeBackground(partsCtx)

	n.address.Store(listener.Addr().(*net.TCPAddr))
	n.log.Info("node started", "version", n.config.Version, "http", n.url,
		"data_dir", n.config.DataDir, "exchange", n.config.Exchange, "gossip", n.gossip.Address(), "peer", n.meta.Peer)
	n.warnWithoutSecret()
	n.sayWhoGetsIn()
	running, runCtx := errgroup.WithContext(ctx)
	running.Go(func() error {
		return serveHTTP(runCtx, listener, n.handler(), nil, slog.NewLogLogger(n.log.Handler(), slog.LevelWarn))
	})
	running.Go(func() error { return n.backtests.Run(runCtx) })
	running.Go(func() error {
		if err := n.runMember(runCtx, endMembership); err != nil {
			return err
		}
		return context.Cause(runCtx)
	})
	err := running.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil
	}
	n.log.Info("node stopping")
	n.trials.close()
	n.closeGroups()
	stopParts()
	<-ended
	n.log.Info("node stopped")
	return err
}

// accountParts are the parts that are not of one symbol.
func (n *Node) accountParts() []*part {
	parts := []*part{
		{name: "exchange info", run: n.followExchangeInfo, release: func() {}},
		{name: "exchange clock", run: n.client.Run, release: func() {}},
	}
	if n.mayTrade() {
		parts = append(parts, &part{name: "orders", run: n.orders.Run, release: func() {}})
	}
	return parts
}

// mayTrade says whether there is an account to trade with.
func (n *Node) mayTrade() bool {
	b, err := n.config.exchange()
	return err == nil && (n.config.Exchange == ExchangeSim || b.APIKey != "")
}

// closeGroups ends all symbols' parts, side by side.
func (n *Node) closeGroups() {
	n.mu.Lock()
	groups := slices.Collect(maps.Values(n.groups))
	n.mu.Unlock()
	var closing sync.WaitGroup
	for _, g := range groups {
		closing.Go(g.close)
	}
	closing.Wait()
}

// groupLocked returns the symbol's group of parts, which it makes when it is
// missing. The caller holds mu.
func (n *Node) groupLocked(symbol string) *group {
	g := n.groups[symbol]
	if g == nil {
		g = newGroup(n.parts, symbol, n, n.micros, n.partsHaveChanged, n.log)
		n.groups[symbol] = g
	}
	return g
}

func (n *Node) partsHaveChanged() {
	select {
	case n.partsChanged <- struct{}{}:
	default:
	}
}

func (n *Node) view(symbol string) *view {
	n.mu.Lock()
	defer n.mu.Unlock()
	v := n.views[symbol]
	if v == nil {
		v = new(view)
		n.views[symbol] = v
	}
	return v
}

// traded returns the symbols that have a trader, sorted.
func (n *Node) traded() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var symbols []string
	for symbol, g := range n.groups {
		if g.part(partTrade) != nil {
			symbols = append(symbols, symbol)
		}
	}
	slices.Sort(symbols)
	return symbols
}

// httpGrace is how long requests under way may go on when a server is to end.
const httpGrace = 2 * time.Second

// serveHTTP serves until ctx ends, then lets requests under way finish for a
// moment, cuts off the rest, and waits until nobody answers any more. connContext,
// where there is one, adds to the context of a connection's requests. What goes wrong
// with connections, and in handlers, is said on errorLog; nil: where the program logs.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, connContext func(context.Context, net.Conn) context.Context, errorLog *log.Logger) error {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var connections sync.WaitGroup // and the handlers: a websocket's outlives its connection here
	s := &http.Server{
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections.Add(1)
			defer connections.Done()
			handler.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       connContext,
		ErrorLog:          errorLog,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	cut() // watchers would never finish by themselves
	// Not Shutdown, which looks from time to time whether all is over.
	s.SetKeepAlivesEnabled(false)
	_ = listener.Close()
	<-served
	ended := make(chan struct{})
	go func() {
		connections.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(httpGrace):
		_ = s.Close() // what is left is cut off
		<-ended
	}
	return context.Cause(ctx)
}

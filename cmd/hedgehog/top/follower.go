package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/node/api"
)

// What a follower tells.
type (
	// connected: from now on a node tells what goes on.
	connected struct{ client *api.Client }
	// lost: that node, or one that was tried, tells nothing.
	lost struct {
		address string
		err     error
		at      time.Time
	}
	// told: a node has told this, all but trades.
	told struct {
		frame api.LiveFrame
		at    time.Time
	}
	// traded: the latest prices, by symbol, of those with trades since the last time.
	traded map[string]decimal.Decimal
	// earned: what trading has brought; nil where the node does not say.
	earned []api.Profit
)

// follower follows the cluster at one node at a time.
type follower struct {
	client *api.Client // of the node to begin with
	tell   func(any)   // hands something on; blocks until it is taken
	pace   pace

	known []string // addresses of the cluster's nodes, the one to begin with first

	mu      sync.Mutex
	topics  []string      // to be watched; guarded by mu
	changed chan struct{} // holds one element after topics has changed
}

// pace says how a follower goes about time.
type pace struct {
	silence time.Duration // a node that tells nothing for so long is given up; it should tell something each second
	pause   time.Duration // after all nodes were tried
	prices  time.Duration // prices are handed on so often
	profits time.Duration // profits are asked for so often
	now     func() time.Time
}

func usualPace() pace {
	return pace{silence: 3 * time.Second, pause: time.Second, prices: 250 * time.Millisecond, profits: 5 * time.Second, now: time.Now}
}

func newFollower(client *api.Client, p pace, tell func(any)) *follower {
	return &follower{client: client, tell: tell, pace: p, known: []string{client.Address()}, changed: make(chan struct{}, 1)}
}

// watch replaces the topics whose events are wanted. Any goroutine may call it.
func (f *follower) watch(topics []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.topics = topics
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *follower) wanted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.topics
}

// errSilent is why a node is given up that says nothing.
var errSilent = errors.New("it is silent")

// run follows one node after the other until ctx ends, or until one refuses access,
// which no other would grant: then that is told last.
func (f *follower) run(ctx context.Context) {
	address := f.client.Address()
	for tries := 1; ; tries++ {
		began := f.pace.now()
		client, err := f.client.At(address)
		if err == nil {
			err = f.follow(ctx, client)
		}
		if ctx.Err() != nil {
			return
		}
		f.tell(lost{address: address, err: err, at: f.pace.now()})
		if refused(err) {
			return
		}
		if f.pace.now().Sub(began) > 2*f.pace.silence { // it was not a try
			tries = 0
		}
		address = f.after(address)
		if tries < len(f.known) {
			continue
		}
		tries = 0
		pause := time.NewTimer(f.pace.pause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// refused says whether a node does not grant access.
func refused(err error) bool {
	var status *api.StatusError
	return errors.As(err, &status) && (status.Status == http.StatusUnauthorized || status.Status == http.StatusForbidden)
}

// after returns the address to try after another.
func (f *follower) after(address string) string {
	return f.known[(slices.Index(f.known, address)+1)%len(f.known)]
}

// follow tells what a node tells until it ends, is silent for too long, or ctx ends.
// It returns why.
func (f *follower) follow(ctx context.Context, client *api.Client) error {
	ctx, stop := context.WithCancelCause(ctx)
	silence := time.AfterFunc(f.pace.silence, func() { stop(fmt.Errorf("%w for %s", errSilent, f.pace.silence)) })
	defer silence.Stop()
	var helping sync.WaitGroup
	defer helping.Wait()
	defer stop(nil)
	live, err := client.Live(ctx)
	if err != nil {
		return err
	}
	defer live.Close()
	frames := make(chan api.LiveFrame)
	helping.Go(func() {
		for {
			frame, err := live.Next()
			if err != nil {
				stop(err)
				return
			}
			silence.Reset(f.pace.silence)
			select {
			case frames <- frame:
			case <-ctx.Done():
				return
			}
		}
	})
	helping.Go(func() { f.askProfits(ctx, client) })
	f.tell(connected{client})
	return f.pass(ctx, live, client, frames)
}

// pass hands on what the node tells, and has it tell of what is wanted, until ctx ends.
func (f *follower) pass(ctx context.Context, live *api.Live, client *api.Client, frames <-chan api.LiveFrame) error {
	prices := make(traded)
	flush := time.NewTicker(f.pace.prices)
	defer flush.Stop()
	if err := live.Watch(f.wanted()...); err != nil {
		return err
	}
	for {
		select {
		case frame := <-frames:
			if frame.Kind == api.LiveMessage {
				prices.take(frame)
				continue
			}
			if frame.Kind == api.LiveCluster {
				f.learn(client, frame)
			}
			f.tell(told{frame: frame, at: f.pace.now()})
		case <-f.changed:
			if err := live.Watch(f.wanted()...); err != nil {
				return err
			}
		case <-flush.C:
			if len(prices) > 0 {
				f.tell(prices)
				prices = make(traded)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take takes the price from an event of a topic of trades.
func (t traded) take(frame api.LiveFrame) {
	var event exchange.TradeEvent
	if json.Unmarshal(frame.Data, &event) != nil || frame.Topic != string(bus.TradeEvents(event.Symbol)) {
		return
	}
	if event.Source != exchange.Replay { // that one is the past's
		t[event.Symbol] = event.Price
	}
}

// askProfits asks for profits again and again until ctx ends.
func (f *follower) askProfits(ctx context.Context, client *api.Client) {
	again := time.NewTicker(f.pace.profits)
	defer again.Stop()
	for {
		profits, err := client.Profit(ctx, "")
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			profits = nil
		}
		f.tell(earned(profits))
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// learn takes the addresses of the cluster's nodes from what the node says of them.
func (f *follower) learn(client *api.Client, frame api.LiveFrame) {
	var status api.ClusterStatus
	if json.Unmarshal(frame.Data, &status) != nil {
		return // the screen says so
	}
	known := []string{f.client.Address()}
	if here := client.Address(); here != known[0] {
		known = append(known, here)
	}
	for _, n := range status.Nodes {
		address, ok := reachable(client.Address(), n)
		if ok && n.Name != status.Node && !slices.Contains(known, address) {
			known = append(known, address)
		}
	}
	f.known = known
}

// reachable returns where another node of the cluster answers, for somebody who
// reaches one of them at the address from. Who reaches that one over a network cannot
// reach what listens on the other's own machine only.
func reachable(from string, n api.ClusterNode) (string, bool) {
	base, err := url.Parse(from)
	if err != nil {
		return "", false
	}
	host, port, err := net.SplitHostPort(n.HTTP)
	if err != nil {
		return "", false
	}
	ip := net.ParseIP(host)
	if host == "" || ip.IsUnspecified() { // it listens everywhere, also where it gossips
		if host, _, err = net.SplitHostPort(n.Address); err != nil {
			return "", false
		}
		ip = net.ParseIP(host)
	}
	if (ip.IsLoopback() || host == "localhost") && !isLoopback(base.Hostname()) {
		return "", false
	}
	base.Host = net.JoinHostPort(host, port)
	return base.String(), true
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

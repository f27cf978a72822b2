package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"time"

	"hedgehog/cluster"
	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/storage"
)

const (
	// trialMemory bounds the trades that are kept for trials, in bytes.
	trialMemory = 1 << 30
	// trialsForgotten is how long trades are kept that nobody uses.
	trialsForgotten = 10 * time.Minute
)

// trials is what a node does for whoever optimizes: it keeps their trades in memory
// for a while, and makes backtests on them, one core fewer at once than there are, so
// that trading always has one.
type trials struct {
	places  chan struct{} // has one for each trial that is being made
	filling chan struct{} // has one while trades are brought into memory

	mu     sync.Mutex
	kept   map[string]*keptTrades // by digest; guarded by mu
	closed bool                   // likewise
}

// keptTrades are trades in memory. Its fields are guarded by trials.mu.
type keptTrades struct {
	trades *optimize.Trades
	users  int         // trials that are being made on them
	forget *time.Timer // stopped while there are users
}

func newTrials(jobs int) *trials {
	return &trials{places: make(chan struct{}, max(0, jobs)), filling: make(chan struct{}, 1), kept: make(map[string]*keptTrades)}
}

// close forgets all trades. Nothing is kept any more.
func (t *trials) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.forgetLocked(func(*keptTrades) bool { return true })
}

// forgetLocked forgets the chosen trades. The caller holds mu.
func (t *trials) forgetLocked(chosen func(*keptTrades) bool) {
	for digest, k := range t.kept {
		if chosen(k) {
			k.forget.Stop()
			delete(t.kept, digest)
		}
	}
}

// use returns the trades, false when they are not kept. release is called when they
// are not used any more.
func (t *trials) use(digest string) (trades *optimize.Trades, release func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.kept[digest]
	if !ok {
		return nil, nil, false
	}
	k.users++
	k.forget.Stop()
	return k.trades, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if k.users--; k.users == 0 && t.kept[digest] == k {
			k.forget.Reset(trialsForgotten)
		}
	}, true
}

// fill brings trades into memory, in the place of those that nobody uses, unless they
// are there. read returns them, within so many bytes of memory.
func (t *trials) fill(ctx context.Context, digest string, read func(memory int64) (*optimize.Trades, error)) error {
	select {
	case t.filling <- struct{}{}:
		defer func() { <-t.filling }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	memory, there := t.room(digest)
	if there {
		return nil
	}
	trades, err := read(memory)
	if err != nil {
		return err
	}
	found, err := trades.Digest(ctx)
	if err != nil {
		return err
	}
	if found != digest {
		return errOtherTrades
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		k := &keptTrades{trades: trades}
		k.forget = time.AfterFunc(trialsForgotten, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if k.users == 0 && t.kept[digest] == k {
				delete(t.kept, digest)
			}
		})
		t.kept[digest] = k
	}
	return nil
}

// errOtherTrades is returned when trades do not have the digest that was said.
var errOtherTrades = errors.New("these are other trades than the digest is of")

// room forgets the trades that nobody uses and returns the bytes that are left, or
// that the ones asked for are there.
func (t *trials) room(digest string) (memory int64, there bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept[digest] != nil {
		return 0, true
	}
	t.forgetLocked(func(k *keptTrades) bool { return k.users == 0 })
	memory = trialMemory
	for _, k := range t.kept {
		memory -= k.trades.Memory()
	}
	return memory, false
}

// trialsOf returns the endpoints for whoever optimizes, each as through makes of it.
func (n *Node) trialsOf(through func(handler) handler) []endpoint {
	return []endpoint{
		{"GET /api/v1/trials", access.Read, through(n.getTrials)},
		{"POST /api/v1/trials", access.Trade, through(n.postTrial)},
		{"GET /api/v1/trials/trades/{digest}", access.Trade, through(n.getTrialTrades)},
		{"PUT /api/v1/trials/trades/{digest}", access.Trade, through(n.putTrialTrades)},
	}
}

// atNode returns a handler that has the node that the request names answer it: with
// here where that is this one.
func (n *Node) atNode(here handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		name := r.URL.Query().Get("node")
		if name == "" || name == n.config.Name {
			return here(w, r)
		}
		// Not 404, which says that the node lacks the trades.
		if _, member := n.state.Load().Members[name]; !member {
			return badRequest("%v", n.unknownNode(name))
		}
		if !slices.ContainsFunc(n.peers(), func(p cluster.Peer) bool { return p.Name == name }) {
			return &requestError{status: http.StatusServiceUnavailable, reason: fmt.Sprintf("node %s is not there", name)}
		}
		proxy := httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) {
				p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", name, name
				p.Out.Header.Del("Authorization") // who calls has been asked here
				p.Out.Header.Del("Cookie")
			},
			Transport: n.calls.client.Transport,
			ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				n.answerProblem(w, r, &requestError{status: http.StatusServiceUnavailable, reason: fmt.Sprintf("node %s does not answer: %v", name, err)})
			},
		}
		proxy.ServeHTTP(w, r)
		return nil
	}
}

func (n *Node) getTrials(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, api.TrialJobs{Jobs: cap(n.trials.places)})
}

// getTrialTrades looks for trades in memory, then in the database.
func (n *Node) getTrialTrades(w http.ResponseWriter, r *http.Request) error {
	first, err := numberParam(r, "first", 0)
	if err != nil {
		return err
	}
	count, err := numberParam(r, "count", 1)
	if err != nil {
		return err
	}
	err = n.trials.fill(r.Context(), r.PathValue("digest"), func(memory int64) (*optimize.Trades, error) {
		trades := optimize.NewTrades(memory)
		if count > memory/optimize.TickSize {
			return trades, nil // which do not have the digest
		}
		which := storage.TradeRange{FromID: first, Limit: int(count)}
		return trades, n.store.db.Ticks(r.Context(), r.URL.Query().Get("symbol"), which, func(ticks []exchange.Tick) error { return trades.Add(ticks) })
	})
	if errors.Is(err, errOtherTrades) {
		return errNoTrades
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// errNoTrades is the answer to who has to send trades first.
var errNoTrades = &requestError{status: http.StatusNotFound, reason: "this node does not have these trades: send them"}

// numberParam returns a whole number from the query, not below least.
func numberParam(r *http.Request, name string, least int64) (int64, error) {
	text := r.URL.Query().Get(name)
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < least {
		return 0, badRequest("%s %q: want a whole number, %d or more", name, text, least)
	}
	return v, nil
}

func (n *Node) putTrialTrades(w http.ResponseWriter, r *http.Request) error {
	err := n.trials.fill(r.Context(), r.PathValue("digest"), func(memory int64) (*optimize.Trades, error) {
		return optimize.ReadTrades(r.Body, memory)
	})
	switch {
	case errors.Is(err, optimize.ErrMemory):
		return &requestError{status: http.StatusRequestEntityTooLarge, reason: err.Error()}
	case errors.Is(err, optimize.ErrMalformed), errors.Is(err, errOtherTrades):
		return badRequest("%v", err)
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// postTrial makes a trial when there is a place for it.
func (n *Node) postTrial(w http.ResponseWriter, r *http.Request) error {
	var task optimize.Task
	if err := readBody(w, r, &task, maxBody); err != nil {
		return err
	}
	config, err := task.Config()
	if err != nil {
		return badRequest("%v", err)
	}
	if cap(n.trials.places) == 0 {
		return &requestError{status: http.StatusServiceUnavailable, reason: "this node makes no trials: it has one core, which is for trading"}
	}
	trades, release, ok := n.trials.use(task.Digest)
	if !ok {
		return errNoTrades
	}
	defer release()
	select {
	case n.trials.places <- struct{}{}:
		defer func() { <-n.trials.places }()
	case <-r.Context().Done():
		return context.Cause(r.Context())
	}
	in, out, err := optimize.NewLocal(config, trades).Try(r.Context(), task.Window, task.Settings)
	if err != nil && r.Context().Err() == nil {
		return badRequest("%v", err) // the trades and settings are the caller's
	}
	if err != nil {
		return err
	}
	return answer(w, optimize.Answer{In: in, Out: out})
}

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"hedgehog/data/publisher"
	"hedgehog/node/api"
)

const (
	// replayTellsEvery is how often a replay says how far it has come.
	replayTellsEvery = 250 * time.Millisecond
	// replayPatience is how long whoever asked for a replay may take to read that.
	replayPatience = 15 * time.Second
)

// replays are the replays that are under way, one of a symbol at a time.
type replays struct {
	mu       sync.Mutex
	bySymbol map[string]*publisher.Publisher // guarded by mu
}

// add notes a replay until release is called; errConflict while there is another
// one of its symbol.
func (r *replays) add(symbol string, p *publisher.Publisher) (release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bySymbol[symbol] != nil {
		return nil, fmt.Errorf("%w: %s is being replayed on this node: wait for the end of that, or stop it", errConflict, symbol)
	}
	if r.bySymbol == nil {
		r.bySymbol = make(map[string]*publisher.Publisher)
	}
	r.bySymbol[symbol] = p
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.bySymbol, symbol)
	}, nil
}

// progress says how far each has come, by symbol.
func (r *replays) progress() []api.ReplayProgress {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []api.ReplayProgress
	for _, symbol := range slices.Sorted(maps.Keys(r.bySymbol)) {
		all = append(all, progressOf(symbol, r.bySymbol[symbol]))
	}
	return all
}

func progressOf(symbol string, p *publisher.Publisher) api.ReplayProgress {
	now := p.Progress()
	return api.ReplayProgress{Symbol: symbol, Published: now.Published, AtUS: now.At}
}

// postReplay plays stored trades of this node onto its bus. The request is the
// replay: the answer tells how far it has come, a JSON object a line, and when
// whoever asked leaves, or the node ends, the replay ends too.
func (n *Node) postReplay(w http.ResponseWriter, r *http.Request) error {
	var want api.Replay
	if err := readBody(w, r, &want, maxBody); err != nil {
		return err
	}
	config := publisher.Config{Symbol: want.Symbol, From: want.FromUS, To: want.ToUS, Speed: want.Speed, Lockstep: want.Lockstep}
	if err := config.Validate(); err != nil {
		return badRequest("%v", err)
	}
	if err := n.haveTrades(r.Context(), want); err != nil {
		return err
	}
	p, err := publisher.New(config, n.store, n.bus)
	if err != nil {
		return err
	}
	release, err := n.replays.add(want.Symbol, p)
	if err != nil {
		return err
	}
	defer release()
	n.log.Info("replay started", "symbol", want.Symbol, "from", want.FromUS, "to", want.ToUS, "speed", want.Speed, "lockstep", want.Lockstep)
	last := n.replay(r.Context(), w, want.Symbol, p)
	n.log.Info("replay ended", "symbol", want.Symbol, "trades", last.Published, "error", last.Error)
	return nil
}

// haveTrades returns an error when there is nothing to replay.
func (n *Node) haveTrades(ctx context.Context, want api.Replay) error {
	if _, err := n.store.db.Settings(ctx, want.Symbol); err != nil {
		return err
	}
	for _, err := range n.store.TradesBetween(ctx, want.Symbol, want.FromUS, want.ToUS) {
		return err // or the first one, which is enough
	}
	return &requestError{status: http.StatusNotFound, reason: fmt.Sprintf("this node has no trades of %s in that period", want.Symbol)}
}

// replay runs p and tells w about it, until p ends, the request does, or nobody reads
// w any more. It returns what was told last.
func (n *Node) replay(request context.Context, w http.ResponseWriter, symbol string, p *publisher.Publisher) api.ReplayProgress {
	ctx, stop := context.WithCancel(request)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	var telling sync.WaitGroup
	telling.Go(func() {
		defer stop()
		tick := time.NewTicker(replayTellsEvery)
		defer tick.Stop()
		for tellReplay(w, progressOf(symbol, p)) == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	defer telling.Wait()
	defer stop()
	err := p.Run(ctx)
	stop()
	telling.Wait()
	last := progressOf(symbol, p)
	switch {
	case err == nil:
		last.Done = true
	case request.Err() != nil:
		last.Error = "cut off, for whoever asked for it has left or the node stops"
	default:
		last.Error = err.Error()
	}
	_ = tellReplay(w, last) // nobody may be there any more
	return last
}

// tellReplay writes one line.
func tellReplay(w http.ResponseWriter, progress api.ReplayProgress) error {
	out := http.NewResponseController(w)
	if err := out.SetWriteDeadline(time.Now().Add(replayPatience)); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(progress); err != nil {
		return err
	}
	return out.Flush()
}

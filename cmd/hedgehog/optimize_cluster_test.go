package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"hedgehog/data/optimize"
	"hedgehog/node/api"
)

// helperJobs is how many trials a node makes at once. Whoever makes trials is given one
// for each of its jobs before anybody is given a second one: also of a node that dies after
// its first trial, three fail in a row, whenever that first one's answer comes.
const helperJobs = 6

// helpers answers as a node of a cluster whose other nodes make trials.
type helpers struct {
	t      testing.TB
	url    string
	mu     sync.Mutex
	trades map[string]*optimize.Trades // that a node was sent; guarded by mu
	left   map[string]int              // trials that a node makes until it dies; guarded by mu
}

// newHelpers returns the node n1 with others, which make so many trials until they die.
func newHelpers(t testing.TB, left map[string]int) *helpers {
	h := &helpers{t: t, trades: make(map[string]*optimize.Trades), left: left}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/cluster", func(w http.ResponseWriter, _ *http.Request) {
		nodes := []api.ClusterNode{{Name: "n1", State: "alive"}, {Name: "gone", State: "failed"}}
		for name := range left {
			nodes = append(nodes, api.ClusterNode{Name: name, State: "alive"})
		}
		answer(w, http.StatusOK, api.ClusterStatus{Node: "n1", Nodes: nodes})
	})
	mux.HandleFunc("GET /api/v1/trials", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, api.TrialJobs{Jobs: helperJobs})
	})
	mux.HandleFunc("GET /api/v1/trials/trades/{digest}", h.has)
	mux.HandleFunc("PUT /api/v1/trials/trades/{digest}", h.take)
	mux.HandleFunc("POST /api/v1/trials", h.try)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

func (h *helpers) has(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trades[r.URL.Query().Get("node")] == nil {
		answer(w, http.StatusNotFound, api.Problem{Error: "not here"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *helpers) take(w http.ResponseWriter, r *http.Request) {
	trades, err := optimize.ReadTrades(r.Body, 1<<20)
	if err != nil {
		h.t.Errorf("what a node was sent: %v", err)
		return
	}
	if digest, err := trades.Digest(r.Context()); err != nil || digest != r.PathValue("digest") {
		h.t.Errorf("sent trades %s as %s, %v", digest, r.PathValue("digest"), err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	name := r.URL.Query().Get("node")
	if h.trades[name] != nil {
		h.t.Errorf("%s was sent the trades twice", name)
	}
	h.trades[name] = trades
	w.WriteHeader(http.StatusNoContent)
}

func (h *helpers) try(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("node")
	h.mu.Lock()
	trades := h.trades[name]
	dead := h.left[name] == 0
	if trades != nil && !dead {
		h.left[name]--
	}
	h.mu.Unlock()
	switch {
	case dead:
		answer(w, http.StatusBadGateway, api.Problem{Error: "node " + name + " does not answer"})
		return
	case trades == nil:
		answer(w, http.StatusNotFound, api.Problem{Error: "not here"})
		return
	}
	var task optimize.Task
	if err := json.NewDecoder(r.Body).Decode(&task); err != nil {
		h.t.Errorf("task: %v", err)
		return
	}
	config, err := task.Config()
	if err != nil {
		h.t.Errorf("task: %v", err)
		return
	}
	var a optimize.Answer
	if a.In, a.Out, err = optimize.NewLocal(config, trades).Try(r.Context(), task.Window, task.Settings); err != nil {
		answer(w, http.StatusBadRequest, api.Problem{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, a)
}

func TestTheClusterComesToTheSameResultAlsoWhenANodeDies(t *testing.T) {
	dir := newPast(t, 400)
	args := strings.Fields("--param profit_target=0.0005:0.002:10 --param chunks=1,3,5 --json --jobs 1") // the present settings among them
	var alone, shared outcome
	mustDecode(t, optimized(t, dir, append(args, "--name", "alone")...), &alone)
	const dies = 1
	h := newHelpers(t, map[string]int{"n2": 1000, "n3": dies})
	r := hedgehog(t.Context(), append([]string{"optimize", "XRPUSDT", "--data-dir", dir, "--name", "shared", "--cluster", "--node", h.url}, args...)...)
	if r.code != exitOK || !strings.Contains(r.stderr, "note: node n3 makes no trials: node n3 does not answer") || strings.Contains(r.stderr, "node n2") {
		t.Fatalf("exit code %d, errors %q; want success, and that n3 is lost", r.code, r.stderr)
	}
	mustDecode(t, r.stdout, &shared)
	if shared.Made["n3"] != dies || shared.Made["n2"] == 0 || shared.Made[""]+shared.Made["n2"]+shared.Made["n3"] != 30 {
		t.Errorf("made %v; want %d by n3, some by n2, and 30 together", shared.Made, dies)
	}
	if !reflect.DeepEqual(shared.Report, alone.Report) {
		t.Errorf("the cluster reports\n%+v\none process\n%+v", shared.Report, alone.Report)
	}
}

func TestTheClusterNeedsANode(t *testing.T) {
	dir := newPast(t, 200)
	r := hedgehog(t.Context(), "optimize", "XRPUSDT", "--data-dir", dir, "--param", "chunks=1,3", "--cluster", "--node", "127.0.0.1:1")
	if r.code != exitUnreachable || !strings.Contains(r.stderr, "no node answers") {
		t.Errorf("exit code %d, errors %q; want %d and that no node answers", r.code, r.stderr, exitUnreachable)
	}
}

package node

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"hedgehog/node/access"
	"hedgehog/node/api"
)

// observed are the addresses for those who watch over processes.
func (n *Node) observed() []endpoint {
	return []endpoint{
		{"GET /healthz", access.None, getHealth},
		{"GET /readyz", access.None, n.getReadiness},
		{"GET /metrics", access.Read, plain(n.metrics.ServeHTTP)},
		{"GET /debug/pprof/", access.Admin, plain(pprof.Index)}, // and what is named below it
		{"GET /debug/pprof/cmdline", access.Admin, plain(pprof.Cmdline)},
		{"GET /debug/pprof/profile", access.Admin, oneAtATime(pprof.Profile)},
		{"GET /debug/pprof/symbol", access.Admin, plain(pprof.Symbol)},
		{"GET /debug/pprof/trace", access.Admin, oneAtATime(pprof.Trace)},
	}
}

// plain is a handler that answers its errors by itself.
func plain(serve http.HandlerFunc) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		serve(w, r)
		return nil
	}
}

// oneAtATime is plain for what a process can do once at a time only: another one has
// to wait, which is no fault of the node's.
func oneAtATime(serve http.HandlerFunc) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		busy := refused{ResponseWriter: w}
		serve(&busy, r)
		if busy.reason == nil {
			return nil
		}
		return &requestError{status: http.StatusServiceUnavailable, reason: strings.TrimSpace(busy.reason.String())}
	}
}

// refused keeps an answer of status 500 back.
type refused struct {
	http.ResponseWriter
	reason *strings.Builder // nil: the answer has gone out, or is still to come
}

func (r *refused) WriteHeader(status int) {
	if status == http.StatusInternalServerError {
		r.reason = new(strings.Builder)
		return
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *refused) Write(p []byte) (int, error) {
	if r.reason != nil {
		return r.reason.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

// getHealth answers as long as the process can: what it lacks, /readyz says.
func getHealth(w http.ResponseWriter, r *http.Request) error {
	return answerText(w, http.StatusOK, "alive\n")
}

// getReadiness says whether the node can do its work, and why not: with status 503,
// in lines, or in JSON for who accepts that.
func (n *Node) getReadiness(w http.ResponseWriter, r *http.Request) error {
	reasons, status := n.unready(r.Context()), http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		return answerWith(w, status, api.Readiness{Ready: len(reasons) == 0, Reasons: reasons})
	}
	if len(reasons) == 0 {
		return answerText(w, status, "ready\n")
	}
	return answerText(w, status, "not ready\n- "+strings.Join(reasons, "\n- ")+"\n")
}

func answerText(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the caller may be gone
	return nil
}

// unready returns what keeps the node from its work; empty when nothing does.
func (n *Node) unready(ctx context.Context) []string {
	reasons := []string{}
	if s := n.exchangeStatus(); !s.Ready {
		reason := "the exchange's symbols are not known yet"
		if s.Error != "" {
			reason += ": " + s.Error
		}
		reasons = append(reasons, reason)
	}
	if _, member := n.state.Load().Members[n.config.Name]; !member {
		reasons = append(reasons, "the node is no member of a cluster yet")
	}
	if !n.consensus.HasQuorum() {
		reasons = append(reasons, errNoLeader.Error())
	}
	if err := n.probe.database(ctx, n.now(), n.store.db.Probe); err != nil {
		reasons = append(reasons, fmt.Sprintf("the database takes no writes: %s", err))
	}
	return reasons
}

// probeEvery is how often the database is really written to, however many ask whether
// it can be.
const probeEvery = time.Second

// probe is the latest try to write to the database.
type probe struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// database returns why write failed, in a try that is not older than probeEvery.
func (p *probe) database(ctx context.Context, now time.Time, write func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || now.Sub(p.at) >= probeEvery {
		// Not ctx: one asker that goes away is no news of the database.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeEvery)
		defer cancel()
		p.at, p.err = now, write(ctx)
	}
	return p.err
}

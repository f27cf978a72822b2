package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"syscall"

	"hedgehog/node"
)

// calls are the requests between nodes, as messages.
type calls struct{ life *life }

// Serve answers with handler until ctx ends.
func (c calls) Serve(ctx context.Context, handler http.Handler) error {
	w := c.life.machine.w
	serving, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	w.mu.Lock()
	c.life.calls, c.life.callsCtx = handler, serving
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	c.life.calls = nil
	w.mu.Unlock()
	return context.Cause(ctx)
}

func (c calls) RoundTrip(r *http.Request) (*http.Response, error) {
	w, to := c.life.machine.w, r.URL.Host
	return w.roundTrip(c.life, to, r, func(r *http.Request) *http.Response {
		l := w.lifeOf(to)
		if l == nil || w.enter(r.Context(), l, r.URL.String()+c.life.name) != nil {
			return nil
		}
		w.mu.Lock()
		handler, serving := l.calls, l.callsCtx
		w.mu.Unlock()
		if handler == nil {
			return nil
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r.WithContext(node.WithCaller(ctx, c.life.name)))
		if w.gate(context.Background(), l) != nil {
			return nil
		}
		return answer.Result()
	})
}

// roundTrip carries a request to a participant, which serves it, and the answer
// back. serve returns nil where nobody is there to answer.
func (w *world) roundTrip(l *life, to string, r *http.Request, serve func(*http.Request) *http.Response) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	ctx, what := r.Context(), fmt.Sprintf("%s %s %s", r.Method, r.URL, body)
	if err := w.gate(ctx, l); err != nil {
		return nil, err
	}
	// On a link that is cut it depends on whether there was a connection before.
	if !w.reach(l.name, to) && w.dice(what+" connection", 2) == 0 {
		return nil, w.unreachable(ctx, l, to)
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	answers := make(chan *http.Response, 1)
	w.deliver(l.name, to, what, l, func() {
		// Who asked and has gone away since breaks the connection off.
		serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		if ctx.Err() != nil {
			cancel()
		}
		request := r.Clone(serving)
		request.RequestURI, request.RemoteAddr = r.URL.RequestURI(), w.addressOf(l.name).String()
		request.Body = io.NopCloser(bytes.NewReader(body))
		answer := serve(request)
		if answer == nil && !w.runs(to) && w.dice(what+" silence", 2) == 0 {
			return
		}
		w.deliver(to, l.name, "answer to "+what, nil, func() { answers <- answer })
	})
	select {
	case answer := <-answers:
		if err := w.gate(ctx, l); err != nil {
			return nil, err
		}
		if answer == nil {
			return nil, fmt.Errorf("%s: %w", to, syscall.ECONNRESET)
		}
		answer.Request = r
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ended:
		return nil, errOver
	}
}

// unreachable waits as a dialler does that nobody answers, or returns at once what
// a machine without the process says.
func (w *world) unreachable(ctx context.Context, l *life, to string) error {
	if !w.runs(to) && w.dice("refused by "+to, 2) == 0 {
		return fmt.Errorf("dial %s: %w", to, syscall.ECONNREFUSED)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ended:
		return errOver
	}
}

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"hedgehog/cluster"
	"hedgehog/cluster/consensus"
	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/node/web"
	"hedgehog/storage"
)

// maxBody bounds the request bodies that are read.
const maxBody = 64 << 10

// handler answers a request, or returns why it does not.
type handler func(http.ResponseWriter, *http.Request) error

// endpoint is one address of an API, as http.ServeMux knows patterns.
type endpoint struct {
	pattern string
	role    access.Role // that the caller needs; nodes among each other need none
	handle  handler
}

// endpoints are all addresses of the API, with who may call them. What shall be on the
// API has its line here. Patterns without a method are what is left for all the others.
func (n *Node) endpoints() []endpoint {
	return slices.Concat([]endpoint{
		{"GET /api/v1/status", access.Read, n.getStatus},
		{"GET /api/v1/symbols", access.Read, n.getSymbols},
		{"GET /api/v1/symbols/{symbol}", access.Read, n.getSymbol},
		{"PATCH /api/v1/symbols/{symbol}", access.Trade, n.patchSymbol},
		{"GET /api/v1/orders", access.Read, n.getOrders},
		{"GET /api/v1/positions", access.Read, n.getPositions},
		{"GET /api/v1/profit", access.Read, n.getProfit},
		{"GET /api/v1/fills", access.Read, n.getFills},
		{"GET /api/v1/trades", access.Read, n.getTrades},
		{"GET /api/v1/candles", access.Read, n.getCandles},
		{"GET /api/v1/watch", access.Read, n.getWatch},
		{"GET /api/v1/live", access.Read, n.getLive},
		{"POST /api/v1/replay", access.Trade, n.postReplay},
		{"GET /api/v1/backtests", access.Read, n.getBacktests},
		{"POST /api/v1/backtests", access.Trade, n.postBacktest},
		{"GET /api/v1/backtests/{id}", access.Read, n.getBacktest},
		{"DELETE /api/v1/backtests/{id}", access.Trade, n.deleteBacktest},
		{"GET /api/v1/backtests/{id}/report", access.Read, n.getBacktestReport},
		{"GET /api/v1/cluster", access.Read, n.getCluster},
		{"GET /api/v1/cluster/symbols", access.Read, n.getClusterSymbols},
		{"GET /api/v1/cluster/events", access.Read, n.getClusterEvents},
		{"POST /api/v1/cluster/assign", access.Admin, n.postAssign},
		{"POST /api/v1/cluster/pin", access.Admin, n.postPin},
		{"POST /api/v1/cluster/drain", access.Admin, n.postDrain(true)},
		{"POST /api/v1/cluster/undrain", access.Admin, n.postDrain(false)},
		{"POST /api/v1/cluster/remove", access.Admin, n.postRemove},
		{"POST /api/v1/cluster/rebalance", access.Admin, n.postRebalance},
		{"POST /api/v1/cluster/transfer-leader", access.Admin, n.postTransferLeader},
		{"GET /api/v1/session", access.None, n.getSession},
		{"POST /api/v1/session", access.None, n.postSession},
		{"DELETE /api/v1/session", access.None, n.deleteSession},
		{"GET /api/v1/tokens", access.Admin, n.getTokens},
		{"POST /api/v1/tokens", access.Admin, n.postToken},
		{"DELETE /api/v1/tokens/{name}", access.Admin, n.deleteToken},
		{"GET /api/v1/openapi.yaml", access.None, getOpenAPI},
		{"/api/", access.None, noSuchAddress},
		{"/", access.None, noSuchAddress},
	}, n.observed(), pageEndpoints(), n.trialsOf(n.atNode))
}

// getOpenAPI answers with the API's description for programs.
func getOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(api.OpenAPI) // the caller may be gone
	return nil
}

// pageEndpoints are the page and its files. It is the same for everybody, also for those
// who are to log in by it.
func pageEndpoints() []endpoint {
	page := web.Handler(web.Built())
	var endpoints []endpoint
	for _, pattern := range web.Patterns() {
		endpoints = append(endpoints, endpoint{pattern, access.None, func(w http.ResponseWriter, r *http.Request) error {
			page.ServeHTTP(w, r)
			return nil
		}})
	}
	return endpoints
}

// route adds endpoints; the errors of their handlers become answers.
func (n *Node) route(mux *http.ServeMux, endpoints []endpoint) {
	for _, e := range endpoints {
		mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) {
			err := e.handle(w, r)
			if err != nil && r.Context().Err() != nil {
				err = errCutOff // no answer at all would read as success
			}
			if err != nil {
				n.answerProblem(w, r, err)
			}
		})
	}
}

// handler returns the API's routes behind the checks who calls, and those that keep
// other sites' pages out.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	endpoints := n.endpoints()
	for i, e := range endpoints {
		endpoints[i].handle = n.guarded(e)
	}
	n.route(mux, endpoints)
	return withHeaders(http.NewCrossOriginProtection().Handler(mux))
}

// withHeaders has browsers keep nothing of an answer and guess nothing about it, unless
// its handler says otherwise.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func noSuchAddress(_ http.ResponseWriter, r *http.Request) error {
	return &requestError{status: http.StatusNotFound, reason: fmt.Sprintf("no such address: %s %s", r.Method, r.URL.Path)}
}

// requestError is a request that can't be answered, with the status that says so.
type requestError struct {
	status int
	reason string
}

func (e *requestError) Error() string { return e.reason }

// errCutOff is the answer to a request that the node's end has cut off, or that
// nobody waits for any more.
var errCutOff = &requestError{
	status: http.StatusServiceUnavailable,
	reason: "cut off while it was carried out, for the node stops: whether it was done is not known; look, and ask another node if not",
}

func badRequest(format string, args ...any) error {
	return &requestError{status: http.StatusBadRequest, reason: fmt.Sprintf(format, args...)}
}

// answerProblem answers with the error and the status that fits it. What is not
// the caller's fault is logged.
func (n *Node) answerProblem(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var request *requestError
	var refused *callError
	switch {
	case errors.As(err, &request):
		status = request.status
	case errors.As(err, &refused):
		status = refused.status
	case errors.Is(err, exchange.ErrUnknownSymbol), errors.Is(err, storage.ErrUnknownSymbol), errors.Is(err, storage.ErrUnknownNode), errors.Is(err, storage.ErrUnknownToken):
		status = http.StatusNotFound
	case errors.Is(err, access.ErrUnknownToken):
		status = http.StatusUnauthorized
	case errors.Is(err, access.ErrTooManyTries):
		status = http.StatusTooManyRequests
	case errors.Is(err, errInvalid), errors.Is(err, storage.ErrRefused):
		status = http.StatusBadRequest
	case errors.Is(err, errConflict), errors.Is(err, storage.ErrConflict):
		status = http.StatusConflict
	case errors.Is(err, cluster.ErrNotLeader), errors.Is(err, consensus.ErrNotLeader), errors.Is(err, cluster.ErrUnknownMember):
		status = http.StatusMisdirectedRequest
	case errors.Is(err, errNotReady), mayTryAgain(err):
		status = http.StatusServiceUnavailable
	default:
		n.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="hedgehog"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(access.TryEvery.Seconds())))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Problem{Error: err.Error()}) // the caller may be gone
}

func answer(w http.ResponseWriter, v any) error { return answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
	return nil
}

// readBody reads a JSON body of at most limit bytes whose fields are all known.
func readBody(w http.ResponseWriter, r *http.Request, v any, limit int64) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return badRequest("body: %v", err)
	}
	if decoder.More() {
		return badRequest("body: more than one JSON value")
	}
	return nil
}

// intParam returns a number from the query, between low and high; fallback when
// it is not given.
func intParam(r *http.Request, name string, fallback, low, high int) (int, error) {
	return intOf(r.URL.Query(), name, fallback, low, high)
}

func intOf(query url.Values, name string, fallback, low, high int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return fallback, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < low || v > high {
		return 0, badRequest("%s %q: want a number from %d to %d", name, text, low, high)
	}
	return v, nil
}

// boolParam returns a yes or no from the query; false when it is not given.
func boolParam(r *http.Request, name string) (bool, error) {
	return boolOf(r.URL.Query(), name)
}

func boolOf(query url.Values, name string) (bool, error) {
	text := query.Get(name)
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("%s %q: want true or false", name, text)
	}
	return v, nil
}

// symbolParam returns the symbol from the query, which has to be one that the
// exchange lists; empty when it is not given and not needed.
func (n *Node) symbolParam(ctx context.Context, query url.Values, needed bool) (string, error) {
	symbol := query.Get("symbol")
	if symbol == "" {
		if needed {
			return "", badRequest("symbol is missing")
		}
		return "", nil
	}
	if !exchange.ValidSymbolName(symbol) {
		return "", badRequest("symbol %q is not a symbol's name", symbol)
	}
	// The settings know it even while the exchange does not answer.
	_, err := n.store.db.Settings(ctx, symbol)
	return symbol, err
}

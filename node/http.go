package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// maxBody bounds the request bodies that are read.
const maxBody = 64 << 10

// handler returns the API's routes behind the checks that keep other sites'
// pages out.
func (n *Node) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/v1/status":             n.getStatus,
		"GET /api/v1/symbols":            n.getSymbols,
		"GET /api/v1/symbols/{symbol}":   n.getSymbol,
		"PATCH /api/v1/symbols/{symbol}": n.patchSymbol,
		"GET /api/v1/orders":             n.getOrders,
		"GET /api/v1/positions":          n.getPositions,
		"GET /api/v1/trades":             n.getTrades,
		"GET /api/v1/candles":            n.getCandles,
		"GET /api/v1/watch":              n.getWatch,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil && r.Context().Err() == nil {
				n.answerProblem(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n.answerProblem(w, r, &requestError{status: http.StatusNotFound, reason: fmt.Sprintf("no such address: %s %s", r.Method, r.URL.Path)})
	})
	return n.localOnly(http.NewCrossOriginProtection().Handler(mux))
}

// localOnly refuses requests whose Host is a name that somebody else may have
// pointed at this machine, which is how a web page elsewhere would reach the API.
func (n *Node) localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			n.answerProblem(w, r, &requestError{status: http.StatusForbidden, reason: fmt.Sprintf("host %q: this API answers to localhost and 127.0.0.1 only", r.Host)})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requestError is a request that can't be answered, with the status that says so.
type requestError struct {
	status int
	reason string
}

func (e *requestError) Error() string { return e.reason }

func badRequest(format string, args ...any) error {
	return &requestError{status: http.StatusBadRequest, reason: fmt.Sprintf(format, args...)}
}

// answerProblem answers with the error and the status that fits it. What is not
// the caller's fault is logged.
func (n *Node) answerProblem(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var request *requestError
	switch {
	case errors.As(err, &request):
		status = request.status
	case errors.Is(err, exchange.ErrUnknownSymbol), errors.Is(err, storage.ErrUnknownSymbol):
		status = http.StatusNotFound
	case errors.Is(err, errInvalid):
		status = http.StatusBadRequest
	case errors.Is(err, errConflict):
		status = http.StatusConflict
	case errors.Is(err, errNotReady):
		status = http.StatusServiceUnavailable
	default:
		n.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Problem{Error: err.Error()}) // the caller may be gone
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
	return nil
}

// readBody reads a JSON body whose fields are all known.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
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
	text := r.URL.Query().Get(name)
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
	text := r.URL.Query().Get(name)
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
func (n *Node) symbolParam(r *http.Request, needed bool) (string, error) {
	symbol := r.URL.Query().Get("symbol")
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
	_, err := n.store.db.Settings(r.Context(), symbol)
	return symbol, err
}

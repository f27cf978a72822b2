package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"hedgehog/exchange/wire"
)

// serveREST answers one request for e.
func (s *Server) serveREST(w http.ResponseWriter, hr *http.Request, e *endpoint) {
	r := &request{apiKey: hr.Header.Get("X-MBX-APIKEY"), client: clientOf(hr), agent: hr.UserAgent()}
	var err error
	if r.unit, err = parseTimeUnit(hr.Header.Get("X-MBX-TIME-UNIT")); err != nil {
		r.fail(err)
	}
	body, err := s.formBody(w, hr)
	if err != nil {
		r.fail(err)
	}
	if r.params, r.payload, err = parseForm(hr.URL.RawQuery, body); err != nil {
		r.fail(err)
	}
	result, err := s.call(e, r)
	if e.places && r.account != "" {
		for _, c := range s.orderCounts(r.account) {
			w.Header().Set("X-MBX-ORDER-COUNT-"+intervalName(c), strconv.Itoa(c.used))
		}
	}
	if err == nil {
		err = s.writeJSON(w, r.client, http.StatusOK, result)
	}
	if err != nil {
		s.writeError(w, r.client, s.withRetry(r, err))
	}
}

// formBody returns the form that a request carries beside its query string.
// Methods that read have none; a body of another type is no parameters.
func (s *Server) formBody(w http.ResponseWriter, r *http.Request) (string, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method == http.MethodGet || r.Method == http.MethodHead || mediaType != "application/x-www-form-urlencoded" {
		return "", nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return "", &wire.Error{Status: http.StatusRequestEntityTooLarge, Code: wire.CodeTooManyParameters, Message: "Too many parameters sent for this endpoint."}
	}
	if err != nil {
		return "", &wire.Error{Status: http.StatusBadRequest, Code: wire.CodeDisconnected, Message: "Internal error; unable to process your request. Please try again."}
	}
	return string(body), nil
}

// writeJSON answers with v; an error means that nothing was written.
func (s *Server) writeJSON(w http.ResponseWriter, client string, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	for _, c := range s.limiter.weights(client, s.now()) {
		w.Header().Set("X-MBX-USED-WEIGHT-"+intervalName(c), strconv.Itoa(c.used))
	}
	w.WriteHeader(status)
	w.Write(body) // a client that is gone needs no answer
	return nil
}

// writeError answers with what the exchange says for err.
func (s *Server) writeError(w http.ResponseWriter, client string, err error) {
	answer, failure := wireError(err)
	if failure {
		s.log.Error("request failed", "error", err)
	}
	var l *limited
	if errors.As(err, &l) {
		seconds := (l.until.Sub(s.now()) + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(max(seconds, 1))))
	}
	s.writeJSON(w, client, answer.Status, answer) // an Error always marshals
}

// withRetry adds to the engine's refusal of an order too many when the client
// may try again.
func (s *Server) withRetry(r *request, err error) error {
	answer, _ := wireError(err)
	if answer.Code != wire.CodeTooManyOrders {
		return err
	}
	now := s.now()
	until := now.Add(time.Second)
	for _, c := range s.orderCounts(r.account) {
		if length, err := intervalOf(c.RateLimit); err == nil && c.used >= c.Limit {
			until = now.Truncate(length).Add(length)
		}
	}
	return &limited{cause: answer, until: until}
}

// serveUnknown answers for addresses that the exchange does not have or that are
// not built, and for methods that an address does not take.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	s.writeError(w, clientOf(r), unsupported(http.StatusNotFound))
}

// intervalName returns a limit's interval as headers have it: 1M, 10S, 1D.
func intervalName(c count) string {
	return strconv.Itoa(c.IntervalNum) + c.Interval[:1]
}

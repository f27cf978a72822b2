package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// session is a connection of the WebSocket API. Its fields belong to the
// goroutine that serves it.
type session struct {
	*conn
	server         *Server
	client         string
	agent          string
	connectedSince exchange.Micros
	showLimits     bool // answers tell the rate limits unless a request says otherwise

	key           *Key // that session.logon was sent with
	loggedOnSince exchange.Micros
	subscriptions map[int]*subscription
	nextID        int
}

// serveAPI serves one connection from handshake to end.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	client := clientOf(r)
	unit, err := parseTimeUnit(r.URL.Query().Get("timeUnit"))
	if err != nil {
		s.writeError(w, client, err)
		return
	}
	conn := newConn(s.cfg, unit)
	if err := s.enter(conn); err != nil {
		s.writeError(w, client, err)
		return
	}
	defer s.leave(conn)
	if !s.handshake(w, r, cost{connections: 1, weight: 2}, conn) {
		return
	}
	c := &session{
		conn: conn, server: s, client: client, agent: r.UserAgent(),
		connectedSince: exchange.MicrosOf(s.now()),
		showLimits:     r.URL.Query().Get("returnRateLimits") != "false",
		subscriptions:  make(map[int]*subscription),
	}
	defer c.drop(func(*subscription) bool { return true })
	err = conn.run(s.closing, 0, c.take, c.farewell)
	s.log.Debug("websocket API connection ended", "client", client, "reason", err)
}

func (c *session) farewell() []byte {
	return fmt.Appendf(nil, `{"event":{"e":"serverShutdown","E":%d}}`, c.server.stamp(c.unit))
}

// apiRequest is one message of the client's.
type apiRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

type apiAnswer struct {
	ID         json.RawMessage `json:"id"`
	Status     int             `json:"status"`
	Result     any             `json:"result,omitempty"`
	Error      *apiError       `json:"error,omitempty"`
	RateLimits []rateLimitJSON `json:"rateLimits,omitempty"`
}

type apiError struct {
	*wire.Error
	Data *retryJSON `json:"data,omitempty"`
}

type retryJSON struct {
	ServerTime int64 `json:"serverTime"`
	RetryAfter int64 `json:"retryAfter"`
}

// parseAPIRequest reads a message. The request has a valid id in any case: null
// where there was none to read.
func parseAPIRequest(message []byte) (apiRequest, error) {
	var r apiRequest
	err := json.Unmarshal(message, &r)
	if err != nil || !validID(r.ID) {
		return apiRequest{ID: json.RawMessage("null")}, refuse(codeInvalidJSON, "Invalid JSON Request")
	}
	r.Method = strings.TrimPrefix(r.Method, "v3/")
	return r, nil
}

// take answers one message. Requests are carried out one after the other, in the
// order that they came in.
func (c *session) take(message []byte) error {
	asked, err := parseAPIRequest(message)
	r := &request{session: c, client: c.client, agent: c.agent, unit: c.unit, err: err}
	endpoint := c.server.methods[asked.Method]
	var result any
	switch {
	case err != nil:
	case asked.Method == "":
		err = missing("method")
	case endpoint == nil:
		err = unsupported(http.StatusBadRequest)
	default:
		if r.params, r.payload, err = parseObject(asked.Params); err != nil {
			r.fail(err)
		}
		result, err = c.server.call(endpoint, r)
	}
	if err != nil && endpoint == nil {
		// What names no endpoint still costs something.
		if tooMuch := c.server.limiter.take(c.client, cost{weight: 1, requests: 1}, c.server.now()); tooMuch != nil {
			err = tooMuch
		}
	}
	answer := apiAnswer{ID: asked.ID, Status: http.StatusOK, Result: result}
	if err != nil {
		answer.Result, answer.Error = nil, c.tell(c.server.withRetry(r, err))
		answer.Status = answer.Error.Status
	}
	if c.wantsLimits(r) {
		answer.RateLimits = c.limits(endpoint, r)
	}
	payload, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("answer to %s: %w", asked.Method, err)
	}
	c.send(payload)
	return nil
}

// tell returns err as this protocol puts it.
func (c *session) tell(err error) *apiError {
	answer, failure := wireError(err)
	if failure {
		c.server.log.Error("request failed", "error", err)
	}
	told := &apiError{Error: answer}
	var l *limited
	if errors.As(err, &l) {
		told.Data = &retryJSON{ServerTime: c.server.stamp(c.unit), RetryAfter: c.unit.of(exchange.MicrosOf(l.until))}
	}
	return told
}

func (c *session) wantsLimits(r *request) bool {
	switch r.params["returnRateLimits"] {
	case "true":
		return true
	case "false":
		return false
	default:
		return c.showLimits
	}
}

// limits returns the limits that a request to e counts against.
func (c *session) limits(e *endpoint, r *request) []rateLimitJSON {
	var counts []count
	if e != nil && e.places && r.account != "" {
		counts = c.server.orderCounts(r.account)
	}
	return rateLimitAnswers(append(counts, c.server.limiter.weights(c.client, c.server.now())...))
}

type sessionJSON struct {
	APIKey           *string `json:"apiKey"`
	AuthorizedSince  *int64  `json:"authorizedSince"`
	ConnectedSince   int64   `json:"connectedSince"`
	ReturnRateLimits bool    `json:"returnRateLimits"`
	ServerTime       int64   `json:"serverTime"`
	UserDataStream   bool    `json:"userDataStream"`
}

func (s *Server) sessionStatus(r *request) (any, error) {
	c := r.session
	status := sessionJSON{
		ConnectedSince:   c.unit.of(c.connectedSince),
		ReturnRateLimits: c.showLimits,
		ServerTime:       s.stamp(c.unit),
		UserDataStream:   len(c.subscriptions) > 0,
	}
	if c.key != nil {
		since := c.unit.of(c.loggedOnSince)
		status.APIKey, status.AuthorizedSince = &c.key.APIKey, &since
	}
	return status, nil
}

// logon makes the request's key that of the session. As at the exchange this
// takes an Ed25519 key.
func (s *Server) logon(r *request) (any, error) {
	key, sentKey := s.keys[r.params["apiKey"]]
	if !sentKey {
		return nil, missing("apiKey")
	}
	if key.PublicKey == nil {
		return nil, badKey(wire.CodeKeyRejected, "Invalid API-key, IP, or permissions for action.")
	}
	r.session.key, r.session.loggedOnSince = &key, exchange.MicrosOf(s.now())
	return s.sessionStatus(r)
}

// logout forgets the session's key and ends the subscription that was made by it.
func (s *Server) logout(r *request) (any, error) {
	c := r.session
	c.key = nil
	c.terminate(func(sub *subscription) bool { return sub.byLogon })
	return s.sessionStatus(r)
}

type subscriptionJSON struct {
	ID int `json:"subscriptionId"`
}

func (s *Server) subscriptions(r *request) (any, error) {
	answers := []subscriptionJSON{}
	for _, id := range slices.Sorted(maps.Keys(r.session.subscriptions)) {
		answers = append(answers, subscriptionJSON{id})
	}
	return answers, nil
}

// subscribe begins the user data stream of the account that is logged on.
func (s *Server) subscribe(r *request) (any, error) {
	if r.session.key == nil {
		return nil, badKey(wire.CodeKeyRejected, "Invalid API-key, IP, or permissions for action.")
	}
	return r.session.follow(r.session.key.Account, true)
}

func (s *Server) subscribeSigned(r *request) (any, error) {
	return r.session.follow(r.account, false)
}

func (s *Server) unsubscribe(r *request) (any, error) {
	id := int(r.integer("subscriptionId"))
	if r.err != nil {
		return nil, r.err
	}
	every := !r.has("subscriptionId")
	if !every && r.session.subscriptions[id] == nil {
		return nil, refuse(codeNotSubscribed, "User Data Stream subscription not active.")
	}
	r.session.terminate(func(sub *subscription) bool { return every || sub.id == id })
	return struct{}{}, nil
}

// follow subscribes to the account's reports: one subscription an account.
func (c *session) follow(account string, byLogon bool) (any, error) {
	for _, sub := range c.subscriptions {
		if sub.account == account {
			return nil, refuse(codeSubscribedAlready, "User Data Stream subscription already active.")
		}
	}
	sub := &subscription{id: c.nextID, account: account, byLogon: byLogon, conn: c.conn}
	c.nextID++
	sub.cancel = c.server.engine.SubscribeReports(account, sub.report)
	c.subscriptions[sub.id] = sub
	return subscriptionJSON{sub.id}, nil
}

// drop ends the subscriptions that are chosen and returns them in order of id.
func (c *session) drop(chosen func(*subscription) bool) []*subscription {
	var dropped []*subscription
	for id, sub := range c.subscriptions {
		if chosen(sub) {
			sub.cancel()
			delete(c.subscriptions, id)
			dropped = append(dropped, sub)
		}
	}
	slices.SortFunc(dropped, func(a, b *subscription) int { return cmp.Compare(a.id, b.id) })
	return dropped
}

// terminate is drop with the news of it.
func (c *session) terminate(chosen func(*subscription) bool) {
	for _, sub := range c.drop(chosen) {
		sub.terminated(c.server.stamp(c.unit))
	}
}

package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// maxStreams is how many streams one connection may listen to.
const maxStreams = 1024

var streamName = regexp.MustCompile(`^([a-z0-9-_.]{1,20})@trade$`)

// streamClient is a connection of the market streams. Its fields belong to the
// goroutine that serves it.
type streamClient struct {
	*conn
	server  *Server
	streams map[string]func() // what ends each stream, by name
}

func (s *Server) serveRawStream(w http.ResponseWriter, r *http.Request) {
	s.serveStreams(w, r, r.PathValue("streams"), false)
}

func (s *Server) serveCombinedStream(w http.ResponseWriter, r *http.Request) {
	s.serveStreams(w, r, r.URL.Query().Get("streams"), true)
}

// serveStreams serves one connection from handshake to end. names are the
// streams to begin with, separated by slashes.
func (s *Server) serveStreams(w http.ResponseWriter, r *http.Request, names string, combined bool) {
	client := clientOf(r)
	unit, err := parseTimeUnit(r.URL.Query().Get("timeUnit"))
	if err != nil {
		s.writeError(w, client, err)
		return
	}
	streams := strings.FieldsFunc(names, func(c rune) bool { return c == '/' })
	if !websocket.IsWebSocketUpgrade(r) {
		s.writeError(w, client, unsupported(http.StatusUpgradeRequired))
		return
	}
	conn := newConn(s.cfg, unit)
	if err := s.enter(conn); err != nil {
		s.writeError(w, client, err)
		return
	}
	defer s.leave(conn)
	conn.combined.Store(combined)
	c := &streamClient{conn: conn, server: s, streams: make(map[string]func())}
	defer c.unsubscribeAll()
	// Before the handshake is answered: a client that is connected misses nothing.
	if failure := c.subscribe(streams); failure != nil {
		s.writeError(w, client, invalidSymbol())
		return
	}
	if !s.handshake(w, r, cost{connections: 1}, conn) {
		return
	}
	err = conn.run(s.closing, s.cfg.MessagesPerSecond, c.take, c.farewell)
	s.log.Debug("stream connection ended", "client", client, "reason", err)
}

// streamError is a refusal of a stream request, as these connections put it.
type streamError struct {
	Code    int    `json:"code"`
	Message string `json:"msg"`
}

func badRequest(format string, args ...any) *streamError {
	return &streamError{2, "Invalid request: " + fmt.Sprintf(format, args...)}
}

// checkStreams returns an error for names that are no streams here.
func (s *Server) checkStreams(names []string) *streamError {
	if len(names) > maxStreams {
		return badRequest("too many streams; at most %d are allowed", maxStreams)
	}
	for _, name := range names {
		if _, known := s.markets[symbolOf(name)]; !known {
			return badRequest("unknown stream %.40q", name)
		}
	}
	return nil
}

// symbolOf returns the symbol whose trades a stream has; empty when the name is
// not that of a trade stream.
func symbolOf(stream string) string {
	match := streamName.FindStringSubmatch(stream)
	if match == nil {
		return ""
	}
	return strings.ToUpper(match[1])
}

// subscribe begins those of the streams that the client does not have yet.
func (c *streamClient) subscribe(names []string) *streamError {
	if failure := c.server.checkStreams(names); failure != nil {
		return failure
	}
	fresh := make(map[string]bool)
	for _, name := range names {
		if c.streams[name] == nil {
			fresh[name] = true
		}
	}
	if len(c.streams)+len(fresh) > maxStreams {
		return badRequest("too many streams; at most %d are allowed", maxStreams)
	}
	for name := range fresh {
		cancel, err := c.server.engine.SubscribeTrades(symbolOf(name), c.conn)
		if err != nil {
			return badRequest("stream %q: %v", name, err)
		}
		c.streams[name] = cancel
	}
	return nil
}

func (c *streamClient) unsubscribe(names []string) {
	for _, name := range names {
		if cancel := c.streams[name]; cancel != nil {
			cancel()
			delete(c.streams, name)
		}
	}
}

func (c *streamClient) unsubscribeAll() { c.unsubscribe(slices.Collect(maps.Keys(c.streams))) }

// farewell announces the end of the connection.
func (c *streamClient) farewell() []byte {
	event := fmt.Sprintf(`{"e":"serverShutdown","E":%d}`, c.server.stamp(c.unit))
	if c.combined.Load() {
		event = `{"stream":"!serverShutdown","data":` + event + `}`
	}
	return []byte(event)
}

// take answers one message of the client's.
func (c *streamClient) take(message []byte) error {
	request, failure := parseStreamRequest(message)
	var result any
	if failure == nil {
		result, failure = c.answer(request)
	}
	var answer []byte
	var err error
	if failure != nil {
		answer, err = json.Marshal(struct {
			Error *streamError    `json:"error"`
			ID    json.RawMessage `json:"id"`
		}{failure, request.id})
	} else {
		answer, err = json.Marshal(struct {
			Result any             `json:"result"`
			ID     json.RawMessage `json:"id"`
		}{result, request.id})
	}
	if err != nil {
		return fmt.Errorf("answer to stream request: %w", err)
	}
	c.send(answer)
	return nil
}

func (c *streamClient) answer(r streamRequest) (result any, failure *streamError) {
	switch r.method {
	case "SUBSCRIBE":
		return nil, c.subscribe(r.streams)
	case "UNSUBSCRIBE":
		c.unsubscribe(r.streams)
		return nil, nil
	case "LIST_SUBSCRIPTIONS":
		names := slices.AppendSeq([]string{}, maps.Keys(c.streams))
		slices.Sort(names)
		return names, nil
	case "SET_PROPERTY":
		c.combined.Store(r.combined)
		return nil, nil
	default: // GET_PROPERTY, as parseStreamRequest lets no other pass
		return c.combined.Load(), nil
	}
}

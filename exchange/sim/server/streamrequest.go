package server

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
)

// streamRequest is one valid message of a market stream's client.
type streamRequest struct {
	id       json.RawMessage
	method   string
	streams  []string // of SUBSCRIBE and UNSUBSCRIBE
	combined bool     // of SET_PROPERTY
}

var requestID = regexp.MustCompile(`^"[A-Za-z0-9_-]{1,36}"$`)

// parseStreamRequest reads a message. With an error the request has the id that
// the answer shall bear, null where there was none to read.
func parseStreamRequest(message []byte) (streamRequest, *streamError) {
	request := streamRequest{id: json.RawMessage("null")}
	var raw struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(message, &raw); err != nil {
		return request, jsonError(err)
	}
	if !validID(raw.ID) {
		return request, badRequest("request ID must be an unsigned integer")
	}
	request.id = raw.ID
	if raw.Method == nil {
		return request, badRequest("missing field `method`")
	}
	request.method = *raw.Method
	var params []any
	if len(raw.Params) > 0 && json.Unmarshal(raw.Params, &params) != nil {
		return request, badRequest("params must be a list")
	}
	return request, request.readParams(params)
}

func jsonError(err error) *streamError {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return &streamError{3, "Invalid JSON: expected value at line 1 column " + strconv.FormatInt(syntax.Offset, 10)}
	}
	return badRequest("a field has the wrong type")
}

// validID says whether id is a 64-bit integer, a short plain string or null.
func validID(id json.RawMessage) bool {
	if len(id) == 0 {
		return false
	}
	if _, err := strconv.ParseInt(string(id), 10, 64); err == nil {
		return true
	}
	return string(id) == "null" || requestID.Match(id)
}

func (r *streamRequest) readParams(params []any) *streamError {
	switch r.method {
	case "SUBSCRIBE", "UNSUBSCRIBE":
		for _, p := range params {
			name, isText := p.(string)
			if !isText {
				return badRequest("stream names must be strings")
			}
			r.streams = append(r.streams, name)
		}
		if len(params) == 0 {
			return badRequest("no stream is named")
		}
	case "LIST_SUBSCRIPTIONS":
		if len(params) > 0 {
			return badRequest("too many parameters")
		}
	case "SET_PROPERTY":
		return r.readProperty(params, 2)
	case "GET_PROPERTY":
		return r.readProperty(params, 1)
	default:
		return badRequest("unknown variant %.40q, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`", r.method)
	}
	return nil
}

// readProperty reads the name of the one property there is, and its new value
// where there are to be two parameters.
func (r *streamRequest) readProperty(params []any, want int) *streamError {
	if len(params) == 0 {
		return badRequest("property name must be a string")
	}
	name, isText := params[0].(string)
	switch {
	case !isText:
		return badRequest("property name must be a string")
	case name != "combined":
		return &streamError{0, "Unknown property"}
	case len(params) > want:
		return badRequest("too many parameters")
	case want == 1:
		return nil
	}
	if len(params) == 2 {
		if value, isBool := params[1].(bool); isBool {
			r.combined = value
			return nil
		}
	}
	return &streamError{1, "Invalid value type: expected Boolean"}
}

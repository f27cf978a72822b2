package server

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"hedgehog/exchange/wire"
)

// params are the parameters of one request by name, decoded but not interpreted.
type params map[string]string

// parseForm reads the query string and the form body of a REST request. The two
// may be mixed; a parameter in both has the query's value. payload is what the
// signature is made over: both as they were sent, without the signature itself.
func parseForm(query, body string) (p params, payload string, err error) {
	p = make(params)
	bodyPayload, err := p.addPairs(body)
	if err != nil {
		return nil, "", err
	}
	fromQuery := make(params)
	queryPayload, err := fromQuery.addPairs(query)
	if err != nil {
		return nil, "", err
	}
	maps.Copy(p, fromQuery)
	return p, queryPayload + bodyPayload, nil
}

// addPairs adds the pairs of encoded to p and returns encoded without the signature.
func (p params) addPairs(encoded string) (payload string, err error) {
	var signed []string
	for segment := range strings.SplitSeq(encoded, "&") {
		rawName, rawValue, _ := strings.Cut(segment, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		if nameErr != nil || valueErr != nil {
			return "", refuse(wire.CodeIllegalChars, "Illegal characters found in a parameter.")
		}
		if name != "signature" {
			signed = append(signed, segment)
		}
		if segment == "" {
			continue
		}
		if _, twice := p[name]; twice {
			return "", refuse(wire.CodeTooManyParameters, "Duplicate values for a parameter detected.")
		}
		p[name] = value
	}
	return strings.Join(signed, "&"), nil
}

// parseObject reads the params object of a WebSocket API request; raw may be
// empty. payload is what the signature is made over: all parameters but the
// signature, sorted by name, as a query string without any escaping.
func parseObject(raw json.RawMessage) (p params, payload string, err error) {
	p = make(params)
	if len(raw) == 0 || string(raw) == "null" {
		return p, "", nil
	}
	invalid := refuse(codeInvalidJSON, "JSON sent for parameter 'params' is not valid")
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, "", invalid
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, "", invalid
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, "", invalid
		}
		key := name.(string) // a token in a name's place is a string, or an error came before
		if _, twice := p[key]; twice {
			return nil, "", refuse(wire.CodeTooManyParameters, "Duplicate values for a parameter detected.")
		}
		if p[key], err = scalar(key, value); err != nil {
			return nil, "", err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, "", invalid
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, "", invalid
	}
	return p, p.sorted(), nil
}

// scalar returns a JSON value as it would stand in a query string: strings
// without quotes, numbers digit by digit as sent, lists as JSON.
func scalar(name string, value json.RawMessage) (string, error) {
	switch value[0] {
	case '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return "", refuse(codeInvalidJSON, "JSON sent for parameter '%s' is not valid", name)
		}
		return text, nil
	case '{':
		return "", refuse(codeInvalidJSON, "JSON sent for parameter '%s' is not valid", name)
	case 'n': // null
		return "", nil
	default:
		return string(value), nil
	}
}

// sorted returns the parameters but the signature in order of their names.
func (p params) sorted() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if name == "signature" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + p[name])
	}
	return b.String()
}

// only returns an error when p has a parameter that is not in known, or an empty one.
func (p params) only(known []string) error {
	read := 0
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(known, name) {
			continue
		}
		read++
		if p[name] == "" {
			return refuse(wire.CodeParameterEmpty, "Parameter '%s' was empty.", name)
		}
	}
	switch {
	case read == len(p):
		return nil
	case len(known) == 0:
		return refuse(wire.CodeTooManyParameters, "Too many parameters; expected '0' and received '%d'.", len(p))
	default:
		return refuse(wire.CodeUnreadParameters, "Not all sent parameters were read; read '%d' parameter(s) but was sent '%d'.", read, len(p))
	}
}

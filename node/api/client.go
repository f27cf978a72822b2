package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hedgehog/exchange"
	"hedgehog/node/access"
)

// DefaultNode is where a node listens and a client looks for it when nobody
// says otherwise.
const DefaultNode = "http://127.0.0.1:8080"

// maxAnswer bounds the answers that a client reads into memory.
const maxAnswer = 64 << 20

// maxLine bounds one line of a watched topic.
const maxLine = 1 << 20

// Client calls one node.
type Client struct {
	base    *url.URL
	http    *http.Client
	token   access.Secret
	missing func(nodes []string)
}

// NewClient returns a client for the node at the given URL; the scheme may be
// left out.
func NewClient(node string) (*Client, error) {
	if !strings.Contains(node, "://") {
		node = "http://" + node
	}
	base, err := url.Parse(node)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("node %q: want an address such as %s", node, DefaultNode)
	}
	return &Client{base: base, http: &http.Client{}}, nil
}

// At returns a client for another node, with what gives access to this one.
func (c *Client) At(node string) (*Client, error) {
	other, err := NewClient(node)
	if err != nil {
		return nil, err
	}
	at := *c
	at.base = other.base
	return &at, nil
}

// Address is the URL of the node.
func (c *Client) Address() string { return c.base.String() }

// OnMissing has f called for every answer that lacks what other nodes have,
// with the names of those that did not answer. To be set before the first call.
func (c *Client) OnMissing(f func(nodes []string)) { c.missing = f }

// StatusError is an answer that is not a success.
type StatusError struct {
	Status  int // HTTP status
	Message string
}

// Error gives the node's message.
func (e *StatusError) Error() string { return e.Message }

// ErrUnreachable is returned when no node answers at the address.
var ErrUnreachable = errors.New("no node answers")

// Status returns what the node says of itself.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/status", nil, nil, &s)
}

// Symbols returns the settings of all symbols, or of those with anything
// switched on.
func (c *Client) Symbols(ctx context.Context, activeOnly bool) (s []Settings, err error) {
	query := url.Values{"active": {strconv.FormatBool(activeOnly)}}
	return s, c.call(ctx, http.MethodGet, "/symbols", query, nil, &s)
}

// Symbol returns the settings of one symbol.
func (c *Client) Symbol(ctx context.Context, symbol string) (s Settings, err error) {
	return s, c.call(ctx, http.MethodGet, "/symbols/"+url.PathEscape(symbol), nil, nil, &s)
}

// Change changes the settings of one symbol and returns them as they then are.
func (c *Client) Change(ctx context.Context, symbol string, change Change) (s Settings, err error) {
	return s, c.call(ctx, http.MethodPatch, "/symbols/"+url.PathEscape(symbol), nil, change, &s)
}

// Orders returns stored orders, newest first; all symbols' when symbol is empty.
func (c *Client) Orders(ctx context.Context, symbol string, openOnly bool, limit int) (o []exchange.Order, err error) {
	query := url.Values{"symbol": {symbol}, "open": {strconv.FormatBool(openOnly)}, "limit": {strconv.Itoa(limit)}}
	return o, c.call(ctx, http.MethodGet, "/orders", query, nil, &o)
}

// Positions returns the positions of a symbol, of all traded symbols when it is
// empty; the open ones unless all is set.
func (c *Client) Positions(ctx context.Context, symbol string, all bool) (p []Position, err error) {
	query := url.Values{"symbol": {symbol}, "all": {strconv.FormatBool(all)}}
	return p, c.call(ctx, http.MethodGet, "/positions", query, nil, &p)
}

// Candles returns the newest stored candles of a length, oldest first.
func (c *Client) Candles(ctx context.Context, symbol string, minutes, limit int) (k []exchange.Candle, err error) {
	query := url.Values{"symbol": {symbol}, "minutes": {strconv.Itoa(minutes)}, "limit": {strconv.Itoa(limit)}}
	return k, c.call(ctx, http.MethodGet, "/candles", query, nil, &k)
}

// Trades returns the newest stored trades, oldest first.
func (c *Client) Trades(ctx context.Context, symbol string, limit int) (t []exchange.TradeEvent, err error) {
	query := url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(limit)}}
	return t, c.call(ctx, http.MethodGet, "/trades", query, nil, &t)
}

// Fills returns the newest stored fills of our orders of a symbol, newest first.
func (c *Client) Fills(ctx context.Context, symbol string, limit int) (f []exchange.Fill, err error) {
	query := url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(limit)}}
	return f, c.call(ctx, http.MethodGet, "/fills", query, nil, &f)
}

// Watch hands each message of the topic to visit as a line of JSON, until ctx
// ends, the node ends the answer, or visit returns an error.
func (c *Client) Watch(ctx context.Context, topic string, visit func(line []byte) error) error {
	response, err := c.send(ctx, http.MethodGet, "/watch", url.Values{"topic": {topic}}, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return eachLine(ctx, "watch "+topic, response.Body, visit)
}

// Replay has the node play stored trades and hands visit how far it has come, from
// time to time. It blocks until the replay has ended, which ctx's end brings about
// too; an error says why it ended before all was played. What it returns is how far
// it came as far as that is known.
func (c *Client) Replay(ctx context.Context, what Replay, visit func(ReplayProgress)) (last ReplayProgress, err error) {
	last.Symbol = what.Symbol
	response, err := c.send(ctx, http.MethodPost, "/replay", nil, what)
	if err != nil {
		return last, err
	}
	defer response.Body.Close()
	err = eachLine(ctx, "replay "+what.Symbol, response.Body, func(line []byte) error {
		if err := json.Unmarshal(line, &last); err != nil {
			return fmt.Errorf("replay %s: line %q: %w", what.Symbol, line, err)
		}
		visit(last)
		return nil
	})
	switch {
	case err != nil:
		return last, err
	case last.Error != "":
		return last, fmt.Errorf("replay %s: %s", what.Symbol, last.Error)
	case !last.Done:
		return last, fmt.Errorf("replay %s: the node has ended it, as it does when it stops", what.Symbol)
	}
	return last, nil
}

// eachLine hands the lines of an answer that goes on to visit, until it ends, ctx
// does (ctx's cause), or visit returns an error. Empty ones are a sign of life only.
func eachLine(ctx context.Context, what string, body io.Reader, visit func(line []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := visit(lines.Bytes()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// callTimeout bounds the calls that are not as long as their caller wants: stopping
// parts waits for them.
const callTimeout = time.Minute

func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := c.send(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("answer of %s to %s %s: %w", c.base.Host, method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	address := c.base.JoinPath("/api/v1" + path)
	address.RawQuery = query.Encode()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return c.carryOut(ctx, request)
}

// carryOut sends a request that ends with ctx.
func (c *Client) carryOut(ctx context.Context, request *http.Request) (*http.Response, error) {
	maps.Copy(request.Header, c.credentials())
	response, err := c.http.Do(request)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, c.unreachable(err)
	case response.StatusCode/100 != 2:
		defer response.Body.Close()
		return nil, problem(response)
	}
	if nodes := response.Header.Get(MissingHeader); nodes != "" && c.missing != nil {
		c.missing(strings.Split(nodes, ","))
	}
	return response, nil
}

func (c *Client) unreachable(err error) error {
	return fmt.Errorf("%w at %s: is it running (hedgehog node), and is --node or HEDGEHOG_NODE right? (%v)", ErrUnreachable, c.base, unwrapURL(err))
}

// problem reads an answer that is not a success.
func problem(response *http.Response) error {
	e := &StatusError{Status: response.StatusCode}
	var p Problem
	text, err := io.ReadAll(io.LimitReader(response.Body, maxLine))
	if err == nil && json.Unmarshal(text, &p) == nil && p.Error != "" {
		e.Message = p.Error
	} else {
		e.Message = fmt.Sprintf("the node answers with status %s", response.Status)
	}
	return e
}

// unwrapURL leaves out the method and address that *url.Error repeats.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"hedgehog/data/optimize"
)

// TrialJobs says how many trials a node makes at once for whoever optimizes:
// GET /trials. Like all of /trials it takes the name of another node as node.
type TrialJobs struct {
	Jobs int `json:"jobs"` // 0: none, it has one core and that is for trading
}

// TrialJobs returns how many trials the node of that name makes at once.
func (c *Client) TrialJobs(ctx context.Context, node string) (t TrialJobs, err error) {
	return t, c.call(ctx, http.MethodGet, "/trials", url.Values{"node": {node}}, nil, &t)
}

// HasTrades says whether the node has the trades in memory that the digest is of, after
// it has looked for them in its database: those of the symbol from the first id on, so
// many. It blocks until then.
func (c *Client) HasTrades(ctx context.Context, node, digest, symbol string, first, count int64) (bool, error) {
	query := url.Values{"node": {node}, "symbol": {symbol}, "first": {strconv.FormatInt(first, 10)}, "count": {strconv.FormatInt(count, 10)}}
	response, err := c.send(ctx, http.MethodGet, tradesPath(digest), query, nil)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, response.Body.Close()
}

// SendTrades has the node keep trades in memory until nobody has used them for a
// while. It blocks until the node has them all.
func (c *Client) SendTrades(ctx context.Context, node, digest string, trades *optimize.Trades) error {
	address := c.base.JoinPath("/api/v1" + tradesPath(digest))
	address.RawQuery = url.Values{"node": {node}}.Encode()
	read, write := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		write.CloseWithError(trades.Write(write)) // an error reaches whoever reads
	}()
	defer func() {
		read.Close()
		<-written
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address.String(), read)
	if err != nil {
		return fmt.Errorf("send trades to %s: %w", node, err)
	}
	response, err := c.carryOut(ctx, request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func tradesPath(digest string) string { return "/trials/trades/" + url.PathEscape(digest) }

// ErrTradesMissing is returned when a node does not have the trades of a trial, or no
// longer.
var ErrTradesMissing = errors.New("the node does not have the trades")

// Trial has the node make a trial: POST /trials. It blocks until that is done, or
// until ctx ends. It returns ErrTradesMissing where the node needs the trades first.
func (c *Client) Trial(ctx context.Context, node string, task optimize.Task) (a optimize.Answer, err error) {
	response, err := c.send(ctx, http.MethodPost, "/trials", url.Values{"node": {node}}, task)
	if missing(err) {
		return a, fmt.Errorf("%w: %w", ErrTradesMissing, err)
	}
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&a); err != nil {
		return a, fmt.Errorf("answer of %s to POST /trials: %w", node, err)
	}
	return a, nil
}

// missing says whether an answer was that something is not there.
func missing(err error) bool {
	problem, ok := errors.AsType[*StatusError](err)
	return ok && problem.Status == http.StatusNotFound
}

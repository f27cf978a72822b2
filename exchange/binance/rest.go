package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

// readTries is how often a read is tried before its error is returned.
const readTries = 4

// request is one call of the REST API.
type request struct {
	method string
	path   string
	params url.Values
	cost   cost
	signed bool
	// guarded is the symbol whose order the request places or cancels.
	guarded string
	maxBody int64 // bytes of the answer; 0: 16 MiB
}

// answer is what came back for a request.
type answer struct {
	body           []byte
	sent, received time.Time // our clock
}

// lostError is the error of a request that was handed to the network and got no
// answer that tells what became of it.
type lostError struct{ err error }

func (e *lostError) Error() string   { return e.err.Error() }
func (e *lostError) Unwrap() []error { return []error{exchange.ErrUnavailable, e.err} }

// errNoAnswer is returned when an answer does not begin in time.
var errNoAnswer = errors.New("no answer within two receive windows and a second")

// badAnswer is the error for an answer that can't be read.
func badAnswer(r request, err error) error {
	return &lostError{fmt.Errorf("answer of %s %s: %w", r.method, r.path, err)}
}

// unknownOutcome says whether a request that failed with err may have been
// carried out all the same.
func unknownOutcome(err error) bool {
	var lost *lostError
	if errors.As(err, &lost) {
		return true
	}
	var refused *wire.Error
	return errors.As(err, &refused) &&
		(refused.Status >= 500 || refused.Code == wire.CodeUnexpectedAnswer || refused.Code == wire.CodeTimeout)
}

// read sends a request that changes nothing, several times when it fails for a
// reason that may pass.
func (c *Client) read(ctx context.Context, r request) (answer, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = 200*time.Millisecond, 2
	pause.RandomizationFactor = c.cfg.Jitter
	a, err := backoff.Retry(ctx, func() (answer, error) {
		a, _, err := c.send(ctx, r)
		if err != nil && !mayPass(err) {
			err = backoff.Permanent(err)
		}
		return a, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(readTries))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return a, err
}

// mayPass says whether the same read may succeed when it is sent again. After
// 429 and 418 the limiter holds it back for as long as the exchange asked.
func mayPass(err error) bool {
	var refused *wire.Error
	switch {
	case unknownOutcome(err), errors.Is(err, exchange.ErrUnavailable):
		return true
	case errors.As(err, &refused):
		return errors.Is(err, exchange.ErrRateLimited)
	default:
		return false
	}
}

// send sends the request once; once more when the exchange did not like its
// timestamp, which means that it was not carried out. expires is our clock at
// the moment after which the exchange takes the request no more.
func (c *Client) send(ctx context.Context, r request) (a answer, expires time.Time, err error) {
	a, expires, clock, err := c.attempt(ctx, r)
	if !r.signed || !errors.Is(err, exchange.ErrStaleTimestamp) {
		return a, expires, err
	}
	c.log.Info("exchange refused a timestamp, measuring its clock", "path", r.path)
	if _, err := c.clock.replace(ctx, clock); err != nil {
		return answer{}, time.Time{}, err
	}
	a, expires, _, err = c.attempt(ctx, r)
	return a, expires, err
}

// attempt waits for the limits, stamps, guards and signs the request, and sends
// it once. It returns the clock estimate that the timestamp was made with.
func (c *Client) attempt(ctx context.Context, r request) (answer, time.Time, ClockEstimate, error) {
	if r.signed && c.sign == nil {
		return answer{}, time.Time{}, ClockEstimate{}, errNoKey
	}
	g, err := c.limits.acquire(ctx, r.cost)
	if err != nil {
		return answer{}, time.Time{}, ClockEstimate{}, err
	}
	var header http.Header
	defer func() { c.limits.settle(g, header) }()

	query, expires, clock := r.params.Encode(), time.Time{}, ClockEstimate{}
	if r.signed {
		if clock, err = c.clock.current(ctx); err != nil {
			return answer{}, time.Time{}, clock, err
		}
		if query, expires, err = c.stamp(ctx, clock, r.params, r.guarded); err != nil {
			return answer{}, time.Time{}, clock, err
		}
		query += "&signature=" + url.QueryEscape(c.sign(query))
	}
	a, header, err := c.exchange(ctx, r, query)
	return a, expires, clock, err
}

// stamp returns the parameters with the timestamp and the receive window, in
// order of their names, after the Guard has let them pass.
func (c *Client) stamp(ctx context.Context, clock ClockEstimate, params url.Values, guarded string) (string, time.Time, error) {
	ours := c.cfg.Now()
	window := c.cfg.RecvWindow + clock.Error(ours.Add(c.cfg.RecvWindow))
	if guarded != "" && c.cfg.Guard != nil {
		if err := c.cfg.Guard(ctx, guarded, ours, window); err != nil {
			return "", time.Time{}, err
		}
	}
	stamped := url.Values{
		"timestamp":  {strconv.FormatInt(clock.Exchange(ours).UnixMicro(), 10)},
		"recvWindow": {milliseconds(c.cfg.RecvWindow)},
	}
	for name, values := range params {
		stamped[name] = values
	}
	return stamped.Encode(), ours.Add(window), nil
}

// milliseconds writes d in milliseconds with the microseconds as decimals.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64)
}

// answerTime is how long an answer may take to begin when its request has needed
// the whole receive window.
const answerTime = time.Second

// patience is how long a request may take until its answer begins. What takes
// longer than the receive window and the same again is most likely lost: to wait
// would hold up a takeover, or all orders where the clock is asked for.
func (c *Client) patience() time.Duration {
	return min(2*c.cfg.RecvWindow+answerTime, c.cfg.RequestTimeout)
}

// exchange sends one HTTP request and reads its answer. Errors of the exchange
// are *wire.Error; others wrap exchange.ErrUnavailable, and are a *lostError
// when the request may have got through.
func (c *Client) exchange(ctx context.Context, r request, query string) (answer, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	address := c.cfg.RESTURL + r.path
	if query != "" {
		address += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, nil)
	if err != nil {
		return answer{}, nil, fmt.Errorf("%s %s: %w", r.method, r.path, withoutAddress(err))
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	req.Header.Set("X-MBX-TIME-UNIT", "MICROSECOND")
	if c.cfg.APIKey != "" {
		req.Header.Set("X-MBX-APIKEY", string(c.cfg.APIKey))
	}
	c.stats.requests.Add(1)
	sent := c.cfg.Now()
	late := time.AfterFunc(c.patience(), cancel)
	response, err := c.http.Do(req)
	if !late.Stop() && errors.Is(err, context.Canceled) {
		err = errNoAnswer
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", r.method, r.path, withoutAddress(err))
		if connected.Load() {
			return answer{}, nil, &lostError{err}
		}
		return answer{}, nil, fmt.Errorf("%w: %w", exchange.ErrUnavailable, err)
	}
	defer response.Body.Close()
	maxBody := r.maxBody
	if maxBody == 0 {
		maxBody = 16 << 20
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	received := c.cfg.Now()
	switch {
	case err != nil:
		return answer{}, response.Header, badAnswer(r, err)
	case int64(len(body)) > maxBody:
		return answer{}, response.Header, badAnswer(r, fmt.Errorf("longer than %d bytes", maxBody))
	case response.StatusCode != http.StatusOK:
		return answer{}, response.Header, c.refusal(r, response, body)
	}
	return answer{body: body, sent: sent, received: received}, response.Header, nil
}

// refusal returns the error for an answer whose status is not 200.
func (c *Client) refusal(r request, response *http.Response, body []byte) error {
	status := response.StatusCode
	if status < 400 {
		return badAnswer(r, fmt.Errorf("status %d", status))
	}
	refused := parseRefusal(status, body)
	if status == http.StatusTooManyRequests || status == http.StatusTeapot {
		d := retryAfter(status, response.Header)
		c.limits.pause(d)
		c.log.Warn("exchange asks for silence", "status", status, "wait", d, "path", r.path)
	}
	return refused
}

// parseRefusal reads the body of an answer with an error status. Proxies and
// firewalls send bodies of their own, which are not repeated.
func parseRefusal(status int, body []byte) *wire.Error {
	var refused wire.Error
	if err := json.Unmarshal(body, &refused); err != nil || refused.Code == 0 {
		refused = wire.Error{Code: wire.CodeUnknown, Message: "no error document: " + http.StatusText(status)}
	}
	if len(refused.Message) > 300 {
		refused.Message = refused.Message[:300]
	}
	refused.Status = status
	return &refused
}

// withoutAddress takes the address, which has the signature, off an error of
// net/http.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

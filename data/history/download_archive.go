package history

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

var (
	// errNotThere is returned when the archive does not have a file.
	errNotThere = errors.New("not in the archive")
	// errStalled is returned when nothing comes any more.
	errStalled = errors.New("nothing came")
)

// refusedError is an answer that asking again will not mend.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

func refuse(format string, args ...any) error { return &refusedError{fmt.Errorf(format, args...)} }

// localError is a failure of this machine, a full disk for one.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// silenceError is an answer that asks for a pause.
type silenceError struct {
	status string
	wait   time.Duration
}

func (e *silenceError) Error() string {
	return fmt.Sprintf("status %s: the server asks for a pause of %s", e.status, e.wait)
}

// archive is where dumps are fetched from. Its methods may be called by several
// goroutines at once.
type archive struct {
	cfg    DownloadConfig
	client *http.Client
	waits  func(why string) // is told why nothing is asked for now; empty: no longer

	mu      sync.Mutex
	silence time.Time // until then nothing is asked for
}

func newArchive(cfg DownloadConfig, waits func(why string)) *archive {
	transport := cfg.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxConnsPerHost = cfg.Connections
		transport = own
	}
	return &archive{cfg: cfg, client: &http.Client{Transport: transport, CheckRedirect: sameHost}, waits: waits}
}

// sameHost follows an archive that has moved a file, but not to somebody else.
func sameHost(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		return refuse("redirected from %s://%s to %s://%s: refused", first.Scheme, first.Host, next.URL.Scheme, next.URL.Host)
	}
	if len(before) > 5 {
		return refuse("redirected more than 5 times")
	}
	return nil
}

func newRequest(ctx context.Context, address, agent string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, refuse("%w", err)
	}
	request.Header.Set("User-Agent", agent)
	// The checksum and the size are those of the file as it is.
	request.Header.Set("Accept-Encoding", "identity")
	return request, nil
}

// statusError returns the error of an answer that is not the file.
func statusError(response *http.Response) error {
	switch status := response.StatusCode; {
	case status == http.StatusNotFound:
		return errNotThere
	case status == http.StatusTooManyRequests, status == http.StatusTeapot, response.Header.Get("Retry-After") != "":
		return &silenceError{response.Status, retryAfter(response)}
	case status >= 500, status == http.StatusRequestTimeout:
		return fmt.Errorf("status %s", response.Status)
	default:
		return refuse("status %s", response.Status)
	}
}

// retryAfter returns how long a pause the answer asks for: a minute where it does not
// say, two where it says that we have been shut out.
func retryAfter(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		if now, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			return max(0, at.Sub(now))
		}
	}
	if response.StatusCode == http.StatusTeapot {
		return 2 * time.Minute
	}
	return time.Minute
}

// persist calls attempt until it succeeds, with growing pauses and those that the
// server asks for. It gives up after Tries attempts in a row without progress, and
// at once when trying again will not help.
func (a *archive) persist(ctx context.Context, attempt func() (progress bool, err error)) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = a.cfg.FirstRetry, a.cfg.LongestRetry
	pauses.RandomizationFactor = a.cfg.Jitter
	for tries := 1; ; tries++ {
		if err := a.untilAllowed(ctx); err != nil {
			return err
		}
		progress, err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if progress {
			tries = 0
			pauses.Reset()
		}
		if err = withoutAddress(err); final(err) || tries >= a.cfg.Tries {
			return err
		}
		pause := pauses.NextBackOff()
		if asked, ok := errors.AsType[*silenceError](err); ok {
			if asked.wait > a.cfg.LongestSilence {
				return fmt.Errorf("%w, longer than %s", err, a.cfg.LongestSilence)
			}
			pause = max(pause, asked.wait)
			a.quiet(asked.wait)
		}
		a.waits(fmt.Sprintf("%v; again in %s", err, pause.Round(time.Second)))
		err = sleep(ctx, pause)
		a.waits("")
		if err != nil {
			return err
		}
	}
}

// final says whether the same request would fail again.
func final(err error) bool {
	_, refused := errors.AsType[*refusedError](err)
	_, local := errors.AsType[*localError](err)
	return refused || local || errors.Is(err, errNotThere)
}

// withoutAddress takes the long address off an error of net/http.
func withoutAddress(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// quiet holds back all requests for so long: a server that has asked one connection
// for a pause means the other too.
func (a *archive) quiet(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if until := time.Now().Add(d); until.After(a.silence) {
		a.silence = until
	}
}

func (a *archive) untilAllowed(ctx context.Context) error {
	a.mu.Lock()
	left := time.Until(a.silence)
	a.mu.Unlock()
	return sleep(ctx, left)
}

// sleep waits for d, or returns the cause of ctx's end.
func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

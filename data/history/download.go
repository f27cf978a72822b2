package history

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// Archive is the address of the exchange's public dumps.
const Archive = "https://data.binance.vision"

// DownloadConfig says what a Downloader fetches and how politely. Start from
// DefaultDownload.
type DownloadConfig struct {
	Symbol string
	Kind   dump.Kind
	// Minutes is the length of the candles where Kind is dump.Klines, one of
	// exchange.CandleMinutes.
	Minutes int
	// From and To bound what is fetched; From is in it, To is not. Dumps are of whole
	// days, UTC: what else is in them comes too. What lies in the future is not asked for.
	From, To exchange.Micros

	// BaseURL is the address that the paths of the archive (data/spot/…) are below.
	BaseURL string
	// UserAgent is sent with every request.
	UserAgent string
	// Dir is where dumps are until they are imported, and where broken-off ones are
	// gone on with. It is made where there is none.
	Dir string
	// Keep leaves dumps in Dir when they have been imported.
	Keep bool

	// Connections is how many files are fetched at once: 1 or 2.
	Connections int
	// Tries is how often in a row a request may fail for a reason that may pass.
	Tries int
	// FirstRetry is the pause after a failure; each further one is half as long again,
	// up to LongestRetry, and varies at random by the part Jitter of itself, 0 to 1.
	FirstRetry, LongestRetry time.Duration
	Jitter                   float64
	// LongestSilence is the longest pause that is kept when the server asks for one; a
	// longer one ends the download.
	LongestSilence time.Duration
	// Stall is how long nothing may come before a connection counts as dead.
	Stall time.Duration
	// MaxFile is the most bytes that a dump may have.
	MaxFile int64
	// Recent is how old the trades may be that the exchange itself is asked for where
	// the archive has no dump yet.
	Recent time.Duration

	// Now says which day it is; nil: time.Now.
	Now func() time.Time
	// Transport carries the requests to the archive; nil: a transport of its own.
	Transport http.RoundTripper
}

// DefaultDownload returns what suits the exchange's archive, for trades. Symbol, From,
// To and Dir are left to set.
func DefaultDownload() DownloadConfig {
	return DownloadConfig{
		BaseURL:        Archive,
		UserAgent:      "hedgehog",
		Connections:    2,
		Tries:          8,
		FirstRetry:     time.Second,
		LongestRetry:   time.Minute,
		Jitter:         0.5,
		LongestSilence: 10 * time.Minute,
		Stall:          time.Minute,
		MaxFile:        16 << 30,
		Recent:         3 * 24 * time.Hour,
		Now:            time.Now,
	}
}

// Validate returns an error that names the first field that can't be right.
func (c DownloadConfig) Validate() error {
	if err := c.series().validate(); err != nil {
		return err
	}
	switch address, err := url.Parse(c.BaseURL); {
	case err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Scheme != "http" && address.Scheme != "https":
		return fmt.Errorf("config field BaseURL %q: want an address like %s", c.BaseURL, Archive)
	case c.From.Time().Before(opened):
		return fmt.Errorf("config field From %s: the exchange's history begins with %s", c.From.Time().Format(time.DateOnly), opened.Format(time.DateOnly))
	case c.To <= c.From:
		return fmt.Errorf("config field To %s: want a time after From %s", c.To.Time().Format(time.RFC3339), c.From.Time().Format(time.RFC3339))
	case c.Dir == "":
		return errors.New("config field Dir: want a directory")
	case c.UserAgent == "":
		return errors.New("config field UserAgent: the archive shall know who asks")
	case c.Connections < 1 || c.Connections > 2:
		return fmt.Errorf("config field Connections %d: want 1 or 2", c.Connections)
	case c.Tries < 1:
		return fmt.Errorf("config field Tries %d: want at least 1", c.Tries)
	case !(c.Jitter >= 0 && c.Jitter <= 1):
		return fmt.Errorf("config field Jitter %g: want 0 to 1", c.Jitter)
	case c.FirstRetry <= 0 || c.LongestRetry < c.FirstRetry:
		return fmt.Errorf("config field FirstRetry %s: want more than 0 and at most LongestRetry %s", c.FirstRetry, c.LongestRetry)
	case c.LongestSilence < 0:
		return fmt.Errorf("config field LongestSilence %s: want 0 or more", c.LongestSilence)
	case c.Stall <= 0:
		return fmt.Errorf("config field Stall %s: want more than 0", c.Stall)
	case c.MaxFile <= 0:
		return fmt.Errorf("config field MaxFile %d: want more than 0", c.MaxFile)
	case c.Recent < 0:
		return fmt.Errorf("config field Recent %s: want 0 or more", c.Recent)
	}
	return nil
}

func (c DownloadConfig) series() series { return series{c.Symbol, c.Kind, c.Minutes} }

// Sink takes the dumps that were downloaded.
type Sink interface {
	// Imported says whether the dump of this name and SHA-256 has been imported whole.
	Imported(ctx context.Context, name string, sum [sha256.Size]byte) (bool, error)
	// Import is the Run of an Importer with the dump at path, which has its checksum
	// file beside it.
	Import(ctx context.Context, path string) error
}

// Downloader brings the history of one symbol from the exchange's archive into a
// Sink, and the newest trades, which are not in the archive yet, from the exchange.
type Downloader struct {
	cfg     DownloadConfig
	archive *archive
	sink    Sink
	recent  *Filler // nil where the exchange is not asked
	state   downloadState
}

// NewDownloader returns a Downloader, or what is wrong with cfg. Trades that are not
// in the archive yet come from trades into store; both may be nil for other kinds.
func NewDownloader(cfg DownloadConfig, sink Sink, trades exchange.TradeHistory, store TradeStore) (*Downloader, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.To = min(cfg.To, exchange.MicrosOf(cfg.Now()))
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	d := &Downloader{cfg: cfg, sink: sink}
	d.archive = newArchive(cfg, d.state.waits)
	if cfg.Kind == dump.Trades {
		fill := DefaultFill(cfg.Symbol)
		fill.To, fill.Beyond = cfg.To, true
		var err error
		if d.recent, err = NewFiller(fill, trades, store); err != nil {
			return nil, fmt.Errorf("download: %w", err)
		}
	}
	return d, nil
}

// Run downloads until all is there, or returns with the cause when ctx ends. What
// has come stays, and another Run goes on with it. It returns an *IncompleteError
// when the archive or the exchange lack something; all else is there then.
func (d *Downloader) Run(ctx context.Context) error {
	defer d.archive.client.CloseIdleConnections()
	if err := os.MkdirAll(d.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	plan := d.cfg.series().plan(d.cfg.From.Time(), d.cfg.To.Time(), d.cfg.Now())
	d.state.begin(plan)
	if err := d.files(ctx, plan); err != nil {
		return err
	}
	absent, incomplete := d.state.lacking()
	end := d.cfg.From
	if len(plan) > 0 {
		end = exchange.MicrosOf(plan[len(plan)-1].to)
	}
	if d.recent != nil {
		absent, end = d.yetToCome(absent, end)
		if end < d.cfg.To {
			d.recent.cfg.From = max(end, d.cfg.From)
			if err := d.recent.Run(ctx); err != nil && !errors.As(err, &incomplete.Left) {
				return fmt.Errorf("download: trades after those of the archive: %w", err)
			}
		}
	}
	for _, f := range absent {
		incomplete.Absent = append(incomplete.Absent, f.name)
	}
	if incomplete.empty() {
		return nil
	}
	return incomplete
}

// yetToCome takes the dumps off the end of those that are absent which the archive
// may not have yet, and returns from when on the exchange has to be asked.
func (d *Downloader) yetToCome(absent []remote, end exchange.Micros) ([]remote, exchange.Micros) {
	recent := d.cfg.Now().Add(-d.cfg.Recent)
	for n := len(absent); n > 0; n-- {
		last := absent[n-1]
		if exchange.MicrosOf(last.to) != end || last.to.Before(recent) {
			break
		}
		absent, end = absent[:n-1], exchange.MicrosOf(last.from)
	}
	return absent, end
}

// files fetches the dumps of the plan and imports them, in the order in which they
// come. At most one more than there are connections wait on the disk.
func (d *Downloader) files(ctx context.Context, plan []remote) error {
	whole := make(chan remote)
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		defer close(whole)
		fetching, ctx := errgroup.WithContext(ctx)
		fetching.SetLimit(d.cfg.Connections)
		for _, f := range plan {
			fetching.Go(func() error { return d.file(ctx, f, whole) })
		}
		return fetching.Wait()
	})
	both.Go(func() error {
		for f := range whole {
			if err := d.take(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	return both.Wait()
}

// file brings a dump, or those of its days, and passes what is to be imported on.
func (d *Downloader) file(ctx context.Context, f remote, whole chan<- remote) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	got, err := d.bring(ctx, f)
	var damaged *ChecksumError
	switch {
	case errors.Is(err, errNotThere) && len(f.days) > 0:
		d.state.split(f)
		for _, day := range f.days {
			if err := d.file(ctx, day, whole); err != nil {
				return err
			}
		}
		return nil
	case errors.Is(err, errNotThere):
		d.state.lacks(f)
		return nil
	case errors.As(err, &damaged):
		d.state.spoilt(f)
		return nil
	case err != nil:
		return err
	case !got:
		d.state.done(f)
		return nil
	}
	select {
	case whole <- f:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// bring fetches a dump as far as it is not there; got is false when it needs not be
// imported.
func (d *Downloader) bring(ctx context.Context, f remote) (got bool, err error) {
	sum, err := d.archive.checksum(ctx, f)
	if err != nil {
		return false, err
	}
	imported, err := d.sink.Imported(ctx, f.name, sum)
	if err != nil || imported && !d.cfg.Keep {
		return false, err
	}
	t := transfer{
		begin: func(at, whole int64) { d.state.started(f, at, whole) },
		came:  func(n int64) { d.state.came(f, n) },
	}
	fetched, err := d.archive.fetch(ctx, f, sum, d.path(f), t)
	if fetched {
		d.state.fetched()
	}
	return !imported, err
}

// take imports a dump. One that is not as a dump should be stays, and is no reason not
// to go on; a store that fails, or has other trades, is one.
func (d *Downloader) take(ctx context.Context, f remote) error {
	d.state.importing(f)
	path := d.path(f)
	err := d.sink.Import(ctx, path)
	if _, failed := errors.AsType[*storeError](err); failed || errors.Is(err, ErrContradiction) || ctx.Err() != nil {
		return fmt.Errorf("downloaded %s: %w", f.name, err)
	}
	if err != nil {
		d.state.rejected(f, err)
		return nil
	}
	d.state.done(f)
	if d.cfg.Keep {
		return nil
	}
	return errors.Join(os.Remove(path), os.Remove(path+".CHECKSUM"))
}

func (d *Downloader) path(f remote) string { return filepath.Join(d.cfg.Dir, f.name) }

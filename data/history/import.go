package history

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// ErrContradiction is returned when a dump has a trade that is stored with other
// values.
var ErrContradiction = errors.New("the dump contradicts what is stored")

// ImportStore is where an Importer puts what it reads. Each Put is a transaction,
// stores what is not there yet and returns how much that was. An error of Put that
// is ErrContradiction concerns the dump, any other one ends the import.
type ImportStore interface {
	PutTicks(ctx context.Context, symbol string, trades []exchange.Tick) (int64, error)
	PutAggTrades(ctx context.Context, symbol string, trades []exchange.AggTrade) (int64, error)
	PutOldCandles(ctx context.Context, candles []exchange.Candle) (int64, error)
	// Imported says whether the dump of this name and SHA-256 has been imported whole.
	// It is called while others Put.
	Imported(ctx context.Context, name string, sum [sha256.Size]byte) (bool, error)
	// PutImported notes that.
	PutImported(ctx context.Context, d ImportedDump) error
}

// ImportedDump is a dump that has been imported whole.
type ImportedDump struct {
	dump.Name
	File      string            // without its directory
	Sum       [sha256.Size]byte // of the file
	FirstTime exchange.Micros   // of its first row; 0 where it has none
}

// ImportConfig says what an Importer imports. Start from DefaultImport.
type ImportConfig struct {
	// Files are the paths of the dumps. Their names say what they hold.
	Files []string
	// Jobs is how many files are read at once, of which one is stored: 1 to 64.
	Jobs int
}

// DefaultImport returns the configuration that imports the files.
func DefaultImport(files ...string) ImportConfig { return ImportConfig{Files: files, Jobs: 2} }

// Validate returns an error that names the first field that can't be right.
func (c ImportConfig) Validate() error {
	switch {
	case len(c.Files) == 0:
		return errors.New("config field Files: no dumps to import")
	case c.Jobs < 1 || c.Jobs > 64:
		return fmt.Errorf("config field Jobs %d: want 1 to 64", c.Jobs)
	}
	return nil
}

// FileResult is what has become of a file.
type FileResult struct {
	File    string    `json:"file"`
	Symbol  string    `json:"symbol,omitempty"`
	Kind    dump.Kind `json:"kind"`
	Minutes int       `json:"minutes,omitempty"` // length of the candles
	Rows    int64     `json:"rows"`              // that were read and are stored
	Written int64     `json:"written"`           // of them, that were not stored before
	Empty   int64     `json:"empty,omitempty"`   // candles without a trade, which are not stored
	// Skipped says that the file had been imported before.
	Skipped bool `json:"skipped,omitempty"`
	// Error is why the file is not imported whole; empty when it is.
	Error string `json:"error,omitempty"`
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	Files, Done int     // all, and those that are over
	File        string  // that is being stored; empty before and after
	Share       float64 // of the bytes of all files, 0 to 1
	Rows        int64   // that are stored, some of them from before
}

// Importer stores the exchange's public dumps. Several files are read beside each
// other, and what they hold is stored in order, so that the rows of a symbol come
// one after the other and lie so in the database.
type Importer struct {
	cfg   ImportConfig
	store ImportStore

	mu       sync.Mutex
	progress ImportProgress
	done     int64 // bytes of the files that are over
	results  []FileResult
}

// NewImporter returns an Importer, or what is wrong with cfg.
func NewImporter(cfg ImportConfig, store ImportStore) (*Importer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return &Importer{cfg: cfg, store: store, progress: ImportProgress{Files: len(cfg.Files)}}, nil
}

// Progress returns how far Run has come. It may be called meanwhile.
func (m *Importer) Progress() ImportProgress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.progress
}

// Results returns what has become of the files that Run is done with, in the order
// in which they were stored.
func (m *Importer) Results() []FileResult {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.results)
}

// Run imports the files, or returns with the cause when ctx ends. A file that can't
// be read to its end does not keep the others from being imported; what is wrong
// with each is in the error, and what came before that is stored. A store that fails
// ends the import. Another Run passes over files that were imported whole and goes
// on with the others: nothing is stored twice.
func (m *Importer) Run(ctx context.Context) error {
	files, bytes := m.files()
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		reading := new(errgroup.Group)
		reading.SetLimit(m.cfg.Jobs)
		for _, f := range files {
			reading.Go(func() error {
				f.read(ctx, m.store)
				return nil
			})
		}
		return reading.Wait()
	})
	var failed []error
	both.Go(func() error {
		for _, f := range files {
			err := m.take(ctx, f, bytes)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if storeFailed := (*storeError)(nil); errors.As(err, &storeFailed) {
				return err
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
		return nil
	})
	err := both.Wait()
	return errors.Join(append(failed, err)...)
}

// files returns the files in the order in which they are stored, by what they hold
// and then by name, which has the date; and how large they are together.
func (m *Importer) files() (files []*importFile, bytes int64) {
	for _, path := range m.cfg.Files {
		f := &importFile{path: path, left: make(chan struct{}), chunks: make(chan chunk, 1)}
		f.name, f.err = dump.NameOf(path)
		if stat, err := os.Stat(path); err == nil {
			f.size = stat.Size()
		}
		bytes += f.size
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b *importFile) int {
		return cmp.Or(cmp.Compare(a.name.Symbol, b.name.Symbol), cmp.Compare(a.name.Kind, b.name.Kind),
			cmp.Compare(a.name.Minutes, b.name.Minutes), cmp.Compare(filepath.Base(a.path), filepath.Base(b.path)))
	})
	return files, max(bytes, 1) // there is a share of nothing, too
}

// take stores what is read of a file and keeps account of it.
func (m *Importer) take(ctx context.Context, f *importFile, bytes int64) error {
	defer f.leave()
	result := FileResult{File: f.path, Symbol: f.name.Symbol, Kind: f.name.Kind, Minutes: f.name.Minutes}
	m.account(func() { m.progress.File = f.path })
	err := m.storeFile(ctx, f, &result, func(c chunk) {
		m.progress.Rows += c.rows()
		m.progress.Share = (float64(m.done) + c.share*float64(f.size)) / float64(bytes)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	result.Skipped = err == nil && f.skipped
	if err != nil {
		result.Error = err.Error()
	}
	m.account(func() {
		m.results = append(m.results, result)
		m.progress.Done++
		m.done += f.size
		m.progress.File, m.progress.Share = "", float64(m.done)/float64(bytes)
	})
	return err
}

// storeFile stores what is read of a file, and notes it when that is all. stored
// is called after each chunk, with the lock.
func (m *Importer) storeFile(ctx context.Context, f *importFile, result *FileResult, stored func(chunk)) error {
	for c := range f.chunks {
		n, err := c.store(ctx, m.store, f.name.Symbol)
		if err != nil {
			return f.notStored(err)
		}
		result.Rows += c.rows()
		result.Written += n
		result.Empty += c.empty
		m.account(func() { stored(c) })
	}
	if f.err != nil || f.skipped {
		return f.err
	}
	err := m.store.PutImported(ctx, ImportedDump{Name: f.name, File: filepath.Base(f.path), Sum: f.sum, FirstTime: f.firstTime})
	return f.notStored(err)
}

func (m *Importer) account(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

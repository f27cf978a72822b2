package backtests

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hedgehog/data/export"
	"hedgehog/node/api"
)

func (r *Runner) resultPath(id string) string { return filepath.Join(r.config.Dir, id+".json") }
func (r *Runner) reportPath(id string) string { return filepath.Join(r.config.Dir, id+".html") }

func (r *Runner) makeDir() error {
	if err := os.MkdirAll(r.config.Dir, 0o700); err != nil {
		return fmt.Errorf("directory of backtests: %w", err)
	}
	return nil
}

// Report opens the page of a backtest: ErrUnknown where there is none of that id,
// ErrNoReport where it is not done.
func (r *Runner) Report(id string) (*os.File, error) {
	b, err := r.Get(id)
	if err != nil {
		return nil, err
	}
	if b.State != api.BacktestDone {
		return nil, fmt.Errorf("%w, it is %s", ErrNoReport, b.State)
	}
	page, err := os.Open(r.reportPath(b.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w any more: its file is gone", ErrNoReport)
	}
	return page, err
}

// save writes what is known of a backtest.
func (r *Runner) save(b api.BacktestResult) error {
	if err := r.makeDir(); err != nil {
		return err
	}
	return export.ToFile(r.resultPath(b.ID), true, func(w io.Writer) error { return json.NewEncoder(w).Encode(b) })
}

// remove removes a backtest's files.
func (r *Runner) remove(id string) {
	for _, path := range []string{r.resultPath(id), r.reportPath(id)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.log.Warn("file of a deleted backtest not removed", "error", err)
		}
	}
}

// load returns the backtests of the directory, in the order in which they were asked
// for. Files that are none are passed over.
func (r *Runner) load() []api.BacktestResult {
	files, err := os.ReadDir(r.config.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.log.Warn("directory of backtests not read", "error", err)
	}
	var all []api.BacktestResult
	for _, f := range files {
		id, ours := strings.CutSuffix(f.Name(), ".json")
		if !ours {
			continue
		}
		b, err := r.read(id)
		if err != nil {
			r.log.Warn("file of a backtest passed over", "file", f.Name(), "error", err)
			continue
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b api.BacktestResult) int { return cmp.Compare(a.CreatedUS, b.CreatedUS) })
	return all
}

func (r *Runner) read(id string) (b api.BacktestResult, err error) {
	content, err := os.ReadFile(r.resultPath(id))
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(content, &b); err != nil {
		return b, err
	}
	if b.ID != id || b.EndedUS == 0 {
		return b, errors.New("it is no backtest's")
	}
	return b, nil
}

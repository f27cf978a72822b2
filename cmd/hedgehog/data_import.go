package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
	"hedgehog/storage"
)

func (p *program) dataImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "store the exchange's public dumps",
		ArgsUsage: "FILE...",
		Description: "The files are as the exchange publishes them, zipped or not, under their own names:\n" +
			"XRPETH-trades-2019-10-11.zip, XRPETH-aggTrades-2019-10.csv, XRPETH-1m-2019-10.zip (candles).\n" +
			"A file with its checksum beside it (FILE.CHECKSUM) is compared with that first.\n\n" +
			"Files may overlap, and importing one again changes nothing. When the command is interrupted,\n" +
			"or a file is bad, what came before that is stored; the same command goes on. Where a file\n" +
			"can't be imported whole the exit code is 1, and the others are imported. Examples:\n\n" +
			"  hedgehog data import XRPETH-trades-2019-10-*.zip\n" +
			"  hedgehog data import --data-dir history XRPETH-trades-2019-10-11.csv",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "jobs", Usage: "read `N` files at once", Value: history.DefaultImport().Jobs},
			changedDirFlag(), jsonFlag(),
		},
		Action: func(c *cli.Context) (err error) {
			config := history.DefaultImport(slices.DeleteFunc(c.Args().Slice(), isChecksum)...)
			config.Jobs = c.Int("jobs")
			switch {
			case len(config.Files) == 0:
				return wrongUsage(c, "which files?")
			case config.Validate() != nil:
				return wrongUsage(c, "--jobs %d: want 1 to 64", config.Jobs)
			}
			db, err := makeHistory(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			importer, err := history.NewImporter(config, importStore{db})
			if err != nil {
				return err
			}
			return p.importDumps(c, importer)
		},
	}
}

// isChecksum says whether the file is one that goes with a dump, as a shell's
// pattern for the dumps often names too.
func isChecksum(path string) bool { return filepath.Ext(path) == ".CHECKSUM" }

func (p *program) importDumps(c *cli.Context, importer *history.Importer) error {
	began := time.Now()
	stop := p.showProgress(func() string { return importLine(importer.Progress(), began) })
	defer stop()
	err := importer.Run(c.Context)
	stop()
	if c.Context.Err() != nil {
		fmt.Fprintf(p.stderr, "%s; the same command goes on from there\n", importLine(importer.Progress(), began))
		return err
	}
	results := importer.Results()
	return errors.Join(p.print(c, results, func(w io.Writer) { writeImported(w, results) }), err)
}

// importLine says how far an import has come.
func importLine(i history.ImportProgress, began time.Time) string {
	line := fmt.Sprintf("%d of %d files, %d rows, %s", i.Done, i.Files, i.Rows, soFar(began, i.Share))
	if i.File != "" {
		line += ": " + filepath.Base(i.File)
	}
	return line
}

func writeImported(w io.Writer, results []history.FileResult) {
	row(w, "FILE", "ROWS", "NEW", "NOTE")
	for _, r := range results {
		row(w, filepath.Base(r.File), r.Rows, r.Written, importNote(r))
	}
}

// importNote says what the numbers do not.
func importNote(r history.FileResult) string {
	var notes []string
	if r.Skipped {
		notes = append(notes, "imported before")
	}
	if r.Empty > 0 {
		notes = append(notes, fmt.Sprintf("left out %d without a trade", r.Empty))
	}
	if r.Error != "" {
		notes = append(notes, "not whole, see the error")
	}
	return strings.Join(notes, ", ")
}

// importStore is the database as an importer sees it.
type importStore struct{ *storage.DB }

// PutTicks is history.ImportStore's.
func (s importStore) PutTicks(ctx context.Context, symbol string, trades []exchange.Tick) (int64, error) {
	n, err := s.DB.PutTicks(ctx, symbol, trades)
	return n, contradiction(err)
}

// PutAggTrades is history.ImportStore's.
func (s importStore) PutAggTrades(ctx context.Context, symbol string, trades []exchange.AggTrade) (int64, error) {
	n, err := s.DB.PutAggTrades(ctx, symbol, trades)
	return n, contradiction(err)
}

// PutImported is history.ImportStore's.
func (s importStore) PutImported(ctx context.Context, d history.ImportedDump) error {
	return s.DB.PutImported(ctx, storage.ImportedDump{Name: d.File, Sum: d.Sum, Symbol: d.Symbol,
		Kind: storedKind(d.Kind), Minutes: d.Minutes, FirstTime: d.FirstTime})
}

// storedKind returns the database's name for what a dump holds.
func storedKind(kind dump.Kind) string {
	switch kind {
	case dump.AggTrades:
		return storage.KindAggTrades
	case dump.Klines:
		return storage.KindCandles
	default:
		return storage.KindTrades
	}
}

// contradiction returns the database's error as the importer knows it.
func contradiction(err error) error {
	if errors.Is(err, storage.ErrContradiction) {
		return fmt.Errorf("%w: %w", history.ErrContradiction, err)
	}
	return err
}

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/storage"
)

// holesShown is how many holes of a kind of history a table has; JSON has more.
const holesShown = 10

func (p *program) dataListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "show what history is stored",
		ArgsUsage: "[SYMBOL]",
		Description: "The trades, aggregate trades and candles of one symbol or of all: how many, from when to\n" +
			"when, and the holes between them. Ids of trades rise by one, so a hole is trades that are\n" +
			"missing: hedgehog data fill fetches them. A hole among candles may be a time without a trade.\n" +
			"Every row is looked at, some five million in a second. Example:\n\n" +
			"  hedgehog data list XRPETH",
		Flags: []cli.Flag{dataDirFlag(), jsonFlag()},
		Action: func(c *cli.Context) (err error) {
			symbol, err := oneSymbol(c)
			if err != nil {
				return err
			}
			db, err := openHistory(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			ranges, err := p.ranges(c, db, symbol)
			if err != nil {
				return err
			}
			return p.print(c, ranges, func(w io.Writer) { p.writeRanges(w, ranges) })
		},
	}
}

// ranges returns what is stored of the symbol, of all of them when it is empty.
func (p *program) ranges(c *cli.Context, db *storage.DB, symbol string) ([]storage.Range, error) {
	symbols := []string{symbol}
	if symbol == "" {
		var err error
		if symbols, err = db.HistorySymbols(c.Context); err != nil {
			return nil, err
		}
	}
	var rows, passed int64
	for _, symbol := range symbols {
		span, err := db.Span(c.Context, symbol)
		if err != nil {
			return nil, err
		}
		rows += span
	}
	began, done := time.Now(), new(share)
	stop := p.showProgress(func() string { return "counting what is stored: " + soFar(began, done.get()) })
	defer stop()
	all := []storage.Range{}
	for _, symbol := range symbols {
		ranges, err := db.Ranges(c.Context, symbol, func(n int64) {
			passed += n
			done.set(float64(passed) / float64(rows))
		})
		if err != nil {
			return nil, err
		}
		all = append(all, ranges...)
	}
	return all, nil
}

func (p *program) writeRanges(w io.Writer, ranges []storage.Range) {
	if len(ranges) == 0 {
		fmt.Fprintln(w, "nothing is stored; hedgehog data import and hedgehog data download bring history")
		return
	}
	row(w, "SYMBOL", "KIND", "COUNT", "FROM", "TO", "IDS", "MISSING", "HOLES")
	for _, r := range ranges {
		row(w, r.Symbol, kindText(r.Kind, r.Minutes), r.Count, p.when(r.FirstTime), p.when(r.LastTime), idsText(r.FirstID, r.LastID), r.Missing, r.HoleCount)
	}
	for _, r := range ranges {
		if r.HoleCount == 0 {
			continue
		}
		fmt.Fprintf(w, "\nholes in the %s of %s:\n", kindText(r.Kind, r.Minutes), r.Symbol)
		row(w, "MISSING", "BETWEEN", "AND", "IDS")
		for _, h := range r.Holes[:min(holesShown, len(r.Holes))] {
			row(w, h.Missing, p.when(h.After), p.when(h.Before), idsText(h.FirstID, h.LastID))
		}
		if more := r.HoleCount - holesShown; more > 0 {
			fmt.Fprintf(w, "and %d more\n", more)
		}
	}
}

// kindText names a kind of history.
func kindText(kind string, minutes int) string {
	if minutes == 0 {
		return kind
	}
	return fmt.Sprintf("%s %dm", kind, minutes)
}

func idsText(first, last int64) string {
	switch {
	case first == 0 && last == 0:
		return "-"
	case first == last:
		return fmt.Sprint(first)
	default:
		return fmt.Sprintf("%d-%d", first, last)
	}
}

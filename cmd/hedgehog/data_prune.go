package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/storage"
)

func (p *program) dataPruneCommand() *cli.Command {
	return &cli.Command{
		Name:      "prune",
		Usage:     "delete old history",
		ArgsUsage: "[SYMBOL]",
		Description: "Deletes the trades and aggregate trades of one symbol or of all that are older than --keep,\n" +
			"or than --before, and candles with --candles. The newest of each stays, so that collecting\n" +
			"goes on from it. Nothing is asked; --dry-run shows what would go. The file does not become\n" +
			"smaller: what comes next takes the room. Examples:\n\n" +
			"  hedgehog data prune --keep 90d --dry-run\n" +
			"  hedgehog data prune XRPETH --before 2019-10-01",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "keep", Usage: "delete what is older than `TIME`, such as 90d or 12h"},
			&cli.StringFlag{Name: "before", Usage: "delete what is from before `TIME`: a date, which begins at midnight UTC, or RFC 3339"},
			&cli.BoolFlag{Name: "candles", Usage: "delete candles too", DisableDefaultText: true},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would go and delete nothing", DisableDefaultText: true},
			changedDirFlag(), jsonFlag(),
		},
		Action: func(c *cli.Context) (err error) {
			symbol, err := oneSymbol(c)
			if err != nil {
				return err
			}
			options := storage.PruneOptions{Candles: c.Bool("candles"), DryRun: c.Bool("dry-run")}
			if options.Before, err = pruneBefore(c, time.Now()); err != nil {
				return err
			}
			db, err := changeHistory(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			return p.prune(c, db, symbol, options)
		},
	}
}

// pruneBefore returns the time before which the flags want history gone.
func pruneBefore(c *cli.Context, now time.Time) (exchange.Micros, error) {
	switch keep, before := c.IsSet("keep"), c.IsSet("before"); {
	case keep == before:
		return 0, wrongUsage(c, "want one of --keep and --before")
	case before:
		return timeOf(c, "before")
	}
	age, ok := parseAge(c.String("keep"))
	if !ok {
		return 0, wrongUsage(c, "--keep %q: want a time such as 90d or 12h, more than 0", c.String("keep"))
	}
	return exchange.MicrosOf(now.Add(-age)), nil
}

// parseAge reads a duration that may be in days.
func parseAge(text string) (age time.Duration, ok bool) {
	const day, most = 24 * time.Hour, 36500 // a century
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * day, err == nil && n > 0 && n <= most
	}
	age, err := time.ParseDuration(text)
	return age, err == nil && age > 0 && age <= most*day
}

func (p *program) prune(c *cli.Context, db *storage.DB, symbol string, options storage.PruneOptions) error {
	symbols := []string{symbol}
	if symbol == "" {
		var err error
		if symbols, err = db.HistorySymbols(c.Context); err != nil {
			return err
		}
	}
	var deleted atomic.Int64
	options.Deleted = func(rows int64) { deleted.Add(rows) }
	line := func() string { return fmt.Sprintf("%d rows deleted", deleted.Load()) }
	stop := p.showProgress(line)
	defer stop()
	all := []storage.Pruned{}
	for _, symbol := range symbols {
		pruned, err := db.Prune(c.Context, symbol, options)
		if err != nil && c.Context.Err() != nil {
			stop()
			fmt.Fprintf(p.stderr, "%s, the oldest ones; the same command goes on from there\n", line())
		}
		if err != nil {
			return err
		}
		all = append(all, pruned...)
	}
	stop()
	return p.print(c, all, func(w io.Writer) { p.writePruned(w, all, options) })
}

func (p *program) writePruned(w io.Writer, all []storage.Pruned, options storage.PruneOptions) {
	done := "deleted"
	if options.DryRun {
		done = "to be deleted"
	}
	if len(all) == 0 {
		fmt.Fprintf(w, "nothing is older than %s\n", p.when(options.Before))
		return
	}
	fmt.Fprintf(w, "%s, from before %s:\n", done, p.when(options.Before))
	row(w, "SYMBOL", "KIND", "ROWS", "FROM")
	for _, r := range all {
		row(w, r.Symbol, kindText(r.Kind, r.Minutes), r.Rows, p.when(r.From))
	}
}

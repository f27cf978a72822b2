package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"hedgehog/data/export"
	"hedgehog/exchange"
	"hedgehog/storage"
)

// exportKinds are what can be exported, as the command line names it.
var exportKinds = []string{"trades", "aggtrades", "orders", "fills", "candles", "equity"}

func (p *program) dataExportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write stored rows as CSV or Parquet",
		ArgsUsage: "KIND [SYMBOL]",
		Description: "The kinds are " + strings.Join(exportKinds, ", ") + "; equity has the finished positions with their\n" +
			"profits, summed up from the beginning of the period. Without a symbol it is the rows of\n" +
			"all. The file appears when it is whole. In Parquet decimals are DECIMAL columns, exact to\n" +
			"the last digit, and times are in microseconds UTC. Examples:\n\n" +
			"  hedgehog data export trades XRPUSDT --from 2026-01-01 --output trades.parquet\n" +
			"  hedgehog data export equity --output - | head",
		Flags: slices.Concat(periodFlags(), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, or - for the standard output (CSV only)"},
			&cli.StringFlag{Name: "format", Usage: "write as `FORMAT` csv or parquet", DefaultText: "by the end of FILE, else csv"},
			&cli.BoolFlag{Name: "force", Usage: "replace FILE where there is one", DisableDefaultText: true},
			&cli.IntFlag{Name: "minutes", Usage: "only candles of `LENGTH` 1, 5, 15, 60, 240 or 1440 minutes", DefaultText: "all lengths"},
			dataDirFlag(), jsonFlag(),
		}),
		Action: func(c *cli.Context) error {
			order, err := exportOf(c)
			if err != nil {
				return err
			}
			db, err := openHistory(c)
			if err != nil {
				return err
			}
			return errors.Join(p.export(c, db, order), db.Close())
		},
	}
}

// exportOrder is what a command line asks to be exported.
type exportOrder struct {
	Kind   string        `json:"kind"`
	Symbol string        `json:"symbol,omitempty"` // empty for all
	Format export.Format `json:"format"`
	File   string        `json:"file"` // - for the standard output
	Rows   int64         `json:"rows"` // once it is done

	period  storage.Selection
	minutes int // 0 for all lengths
	replace bool
}

func exportOf(c *cli.Context) (exportOrder, error) {
	order := exportOrder{Kind: strings.ToLower(c.Args().First()), File: c.String("output"), minutes: c.Int("minutes"), replace: c.Bool("force")}
	switch {
	case !slices.Contains(exportKinds, order.Kind):
		return order, wrongUsage(c, "%q: want one of the kinds %s", c.Args().First(), strings.Join(exportKinds, ", "))
	case c.NArg() > 2:
		return order, wrongUsage(c, "want a kind and at most one symbol, not %d arguments", c.NArg())
	case c.NArg() == 2:
		order.Symbol = strings.ToUpper(c.Args().Get(1))
		if !exchange.ValidSymbolName(order.Symbol) {
			return order, wrongUsage(c, "%q is not a symbol's name, which looks like XRPUSDT", c.Args().Get(1))
		}
	}
	if order.File == "" {
		return order, wrongUsage(c, "where to? --output FILE, or --output - for the standard output")
	}
	if c.IsSet("minutes") && (order.Kind != "candles" || !slices.Contains(exchange.CandleMinutes[:], order.minutes)) {
		return order, wrongUsage(c, "--minutes %d: want 1, 5, 15, 60, 240 or 1440, with the kind candles", order.minutes)
	}
	var err error
	if order.Format, err = formatOf(c, order.File); err != nil {
		return order, err
	}
	if order.File == "-" && (order.Format != export.CSV || c.Bool("json")) {
		return order, wrongUsage(c, "--output - takes CSV alone: name a file for Parquet, or for the summary that --json gives")
	}
	from, to, err := periodOf(c)
	order.period = storage.Selection{Symbol: order.Symbol, From: from, To: to}
	return order, err
}

func formatOf(c *cli.Context, file string) (export.Format, error) {
	name := c.String("format")
	if name == "" && strings.EqualFold(filepath.Ext(file), ".parquet") {
		return export.Parquet, nil
	}
	f, err := export.ParseFormat(cmp.Or(name, string(export.CSV)))
	if err != nil {
		return "", wrongUsage(c, "--%v", err)
	}
	return f, nil
}

// export carries the order out and says what was written.
func (p *program) export(c *cli.Context, db *storage.DB, order exportOrder) error {
	var rows atomic.Int64
	write := func(w io.Writer) error {
		stop := p.showProgress(func() string { return fmt.Sprintf("%d %s exported", rows.Load(), rowsOf(order.Kind)) })
		defer stop()
		_, err := order.table(c.Context, db).Write(c.Context, w, order.Format, rows.Store)
		return err
	}
	var err error
	if order.File == "-" {
		err = write(p.stdout)
	} else {
		err = export.ToFile(order.File, order.replace, write)
	}
	order.Rows = rows.Load()
	switch {
	case errors.Is(err, context.Canceled) && c.Context.Err() != nil:
		return fmt.Errorf("interrupted after %d %s: what was written is not whole, begin anew", order.Rows, rowsOf(order.Kind))
	case errors.Is(err, export.ErrExists):
		return fmt.Errorf("%w: choose another with --output, or replace it with --force", err)
	case err != nil:
		return err
	}
	if order.Rows == 0 {
		fmt.Fprintf(p.stderr, "warning: no such %s are stored; hedgehog data list shows which trades and candles are\n", rowsOf(order.Kind))
	}
	if order.File == "-" {
		return nil
	}
	return p.print(c, order, func(w io.Writer) {
		fmt.Fprintf(w, "%d %s exported to %s\n", order.Rows, rowsOf(order.Kind), order.File)
	})
}

// rowsOf says what the rows of a kind are.
func rowsOf(kind string) string {
	switch kind {
	case "equity":
		return "finished positions"
	case "aggtrades":
		return "aggregate trades"
	default:
		return kind
	}
}

// table returns what is to be exported, read from the database while it is written.
func (o exportOrder) table(ctx context.Context, db *storage.DB) export.Table {
	switch o.Kind {
	case "aggtrades":
		return export.AggTrades(aggregates(db.SelectAggTrades(ctx, o.period)))
	case "orders":
		return export.Orders(db.SelectOrders(ctx, o.period))
	case "fills":
		return export.Fills(db.SelectFills(ctx, o.period))
	case "candles":
		return export.Candles(db.SelectCandles(ctx, o.period, o.minutes))
	case "equity":
		return export.Equity(earnings(db.SelectFinished(ctx, o.period)))
	default:
		return export.Trades(db.SelectTrades(ctx, o.period))
	}
}

func aggregates(trades iter.Seq2[storage.AggTrade, error]) iter.Seq2[export.AggTrade, error] {
	return func(yield func(export.AggTrade, error) bool) {
		for t, err := range trades {
			if !yield(export.AggTrade(t), err) {
				return
			}
		}
	}
}

func earnings(positions iter.Seq2[storage.Position, error]) iter.Seq2[export.Earning, error] {
	return func(yield func(export.Earning, error) bool) {
		for p, err := range positions {
			if !yield(export.Earning{Symbol: p.Symbol, Position: p.ID, Time: p.EndTime, Profit: p.Profit}, err) {
				return
			}
		}
	}
}

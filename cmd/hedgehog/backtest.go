package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

func (p *program) backtestCommand() *cli.Command {
	return &cli.Command{
		Name:      "backtest",
		Usage:     "try settings on past trades",
		ArgsUsage: "SYMBOL",
		Description: "The trader and the simulated exchange work on stored trades, or on the exchange's dumps, in\n" +
			"the time of the trades. The same trades and settings give the same result, byte for byte.\n" +
			"With dumps the database counts only where --data-dir names it. Examples:\n\n" +
			"  hedgehog backtest XRPETH --from 2019-10-11 --to 2019-10-13 --html report.html\n" +
			"  hedgehog backtest XRPETH --file XRPETH-trades-2019-10-11.zip --set budget=10 --set profit_target=0.001 --orders orders.csv\n\n" +
			"The file of --orders has a line side,price,quantity,status for each order, in order of creation,\n" +
			"that of --fills a line time,side,price,quantity,commission,asset for each fill. Neither has a\n" +
			"header. All files are written whole or not at all, and replace those that are there.",
		Flags: slices.Concat(pastFlags(), trialFlags(), []cli.Flag{
			&cli.StringFlag{Name: "orders", Usage: "write every order to `FILE`"},
			&cli.StringFlag{Name: "fills", Usage: "write every fill to `FILE`"},
			&cli.StringFlag{Name: "html", Usage: "write a report with charts to `FILE`, a page that needs nothing else"},
			&cli.BoolFlag{Name: "csv", Usage: "print a header and one line of CSV", DisableDefaultText: true},
			jsonFlag(),
		}),
		Action: func(c *cli.Context) (err error) {
			symbol, err := neededSymbol(c)
			if err != nil {
				return err
			}
			out, err := outputsOf(c)
			if err != nil {
				return err
			}
			h, err := openPast(c, symbol)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, h.Close()) }()
			t, err := p.trialOf(c, h)
			if err != nil {
				return err
			}
			result, err := p.backtest(c.Context, h, t, out)
			if err != nil {
				return err
			}
			return p.printResult(c, t, result)
		},
	}
}

// trial is how past trades are tried, and where that is from.
type trial struct {
	config                      backtest.Config
	settingsSource, rulesSource string
	// agg says that the trades are the database's aggregate trades, for want of others.
	agg bool
}

// trialFlags returns the flags that trialOf reads.
func trialFlags() []cli.Flag {
	return []cli.Flag{
		setFlag(),
		&cli.StringFlag{Name: "commission", Usage: "every fill costs a `SHARE` of what is received", Value: "0.001"},
		&cli.BoolFlag{Name: "partial-fills", Usage: "fill no more of an order than the passing trade's quantity", DisableDefaultText: true},
		&cli.DurationFlag{Name: "latency", Usage: "an order reaches the exchange after `TIME`, up to 1m"},
		&cli.BoolFlag{Name: "allow-holes", Usage: "pass over missing trades", DisableDefaultText: true},
		rulesFlag(),
	}
}

// trialOf returns what the flags ask to be tried, on the trades of h.
func (p *program) trialOf(c *cli.Context, h *past) (t trial, err error) {
	if t.agg = h.agg; t.agg {
		fmt.Fprintf(p.stderr, "note: only aggregate trades of %s are stored of this time, so they are taken; hedgehog data download %[1]s brings single trades\n", h.symbol)
	}
	t.config = backtest.Config{
		PartialFills: c.Bool("partial-fills"), Latency: c.Duration("latency"), AllowHoles: c.Bool("allow-holes"),
		Log: slog.New(slog.DiscardHandler),
	}
	if t.config.Commission, err = decimalOf(c, "commission", c.String("commission")); err != nil {
		return t, err
	}
	if t.config.Settings, t.settingsSource, err = settingsOfPast(c, h); err != nil {
		return t, err
	}
	if t.config.Symbol, t.rulesSource, err = p.rulesOf(c, h); err != nil {
		return t, err
	}
	if err := t.config.Validate(); err != nil {
		return t, wrongUsage(c, "--%s", oneLine(err))
	}
	return t, nil
}

// backtest runs the trial, with progress shown, and writes its files.
func (p *program) backtest(ctx context.Context, h *past, t trial, out outputs) (backtest.Result, error) {
	var trades atomic.Int64
	var at atomic.Int64 // µs
	t.config.Progress = func(n int64, time exchange.Micros) { trades.Store(n); at.Store(int64(time)) }
	began := time.Now()
	progress := func() string {
		n := trades.Load()
		if n == 0 {
			return ""
		}
		return fmt.Sprintf(" after %.1f million trades, at %s, %.1f million/s", float64(n)/1e6, iso(exchange.Micros(at.Load())),
			float64(n)/1e6/time.Since(began).Seconds())
	}
	stop := p.showProgress(func() string { return "backtest " + h.symbol + ": " + soFar(began, h.read.get()) + progress() })
	defer stop()
	result, err := out.write(t, func(config backtest.Config) (backtest.Result, error) {
		return backtest.Run(ctx, config, h.ticks(ctx))
	})
	stop()
	if err != nil && ctx.Err() != nil {
		return result, fmt.Errorf("interrupted%s: nothing is written, begin anew", progress())
	}
	return result, h.advise(ctx, err)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/binance"
	"hedgehog/storage"
)

func (p *program) dataFillCommand() *cli.Command {
	return &cli.Command{
		Name:      "fill",
		Usage:     "fetch the trades that are missing between stored ones",
		ArgsUsage: "SYMBOL",
		Description: "Looks for holes in the ids of the stored trades and asks the exchange for what is in them,\n" +
			"at no more than half the pace that it allows. What has come is stored at once: when the\n" +
			"command is interrupted, the same command goes on from there. Ids that the exchange does not\n" +
			"have either are named, and the exit code is 1 then. No key is needed. Example:\n\n" +
			"  hedgehog data fill XRPUSDT --dry-run",
		Flags: append(periodFlags(),
			&cli.BoolFlag{Name: "dry-run", Usage: "show the holes and leave them", DisableDefaultText: true},
			restURLFlag(), changedDirFlag(), jsonFlag()),
		Action: func(c *cli.Context) (err error) {
			symbol, err := neededSymbol(c)
			if err != nil {
				return err
			}
			config := history.DefaultFill(symbol)
			config.DryRun = c.Bool("dry-run")
			if config.From, config.To, err = periodOf(c); err != nil {
				return err
			}
			rest, err := p.restClient(c)
			if err != nil {
				return err
			}
			defer rest.Close()
			db, err := changeHistory(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			filler, err := history.NewFiller(config, rest, tradeStore{db})
			if err != nil {
				return err
			}
			return p.fill(c, filler, config)
		},
	}
}

func (p *program) fill(c *cli.Context, filler *history.Filler, config history.FillConfig) error {
	began := time.Now()
	stop := p.showProgress(func() string { return fillLine(config.Symbol, filler.Progress(), began) })
	defer stop()
	err := filler.Run(c.Context)
	stop()
	filled := filler.Progress()
	var left *history.LeftError
	if err != nil && !errors.As(err, &left) {
		if c.Context.Err() != nil {
			fmt.Fprintf(p.stderr, "%s; the same command goes on from there\n", fillLine(config.Symbol, filled, began))
		}
		if errors.Is(err, storage.ErrContradiction) {
			err = fmt.Errorf("%w; name the exchange that the trades are of with --rest-url", err)
		}
		return err
	}
	document := struct {
		Symbol string `json:"symbol"`
		history.FillProgress
	}{config.Symbol, filled}
	return errors.Join(p.print(c, document, func(w io.Writer) { writeFilled(w, config, filled) }), err)
}

func writeFilled(w io.Writer, config history.FillConfig, filled history.FillProgress) {
	if filled.Missing == 0 {
		fmt.Fprintf(w, "%s: no trades are missing\n", config.Symbol)
		return
	}
	if !config.DryRun {
		fmt.Fprintf(w, "%s: %d of %d missing trades are stored now\n", config.Symbol, filled.Stored, filled.Missing)
		return
	}
	fmt.Fprintf(w, "%s: %d trades are missing in %d holes\n", config.Symbol, filled.Missing, filled.Gaps)
	row(w, "FIRST", "LAST", "TRADES")
	for _, g := range filled.Found {
		row(w, g.First, g.Last, g.Size())
	}
	if more := filled.Gaps - int64(len(filled.Found)); more > 0 {
		fmt.Fprintf(w, "and %d further holes\n", more)
	}
}

// fillLine says how far filling has come.
func fillLine(symbol string, p history.FillProgress, began time.Time) string {
	if p.Missing == 0 {
		return symbol + ": looking for missing trades"
	}
	share := float64(p.Stored+p.Left) / float64(p.Missing)
	line := fmt.Sprintf("%s: %d of %d missing trades stored%s", symbol, p.Stored, p.Missing, timeLeft(began, share))
	if p.Waiting != "" {
		line += ", " + p.Waiting
	}
	return line
}

func restURLFlag() cli.Flag {
	return &cli.StringFlag{Name: "rest-url", Usage: "ask the exchange at `URL`: the real one, its testnet or a simulated one",
		Value: binance.Production().RESTURL, EnvVars: []string{"HEDGEHOG_REST_URL"}}
}

// restClient returns a client of the exchange that the flags name, without a key. The
// caller closes it.
func (p *program) restClient(c *cli.Context) (*binance.Client, error) {
	config := binance.At(c.String("rest-url"))
	config.UserAgent = userAgent(c)
	client, err := binance.New(config, slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, wrongUsage(c, "--rest-url %q: want an address like %s", c.String("rest-url"), binance.Production().RESTURL)
	}
	return client, nil
}

// userAgent says to servers who asks.
func userAgent(c *cli.Context) string { return "hedgehog/" + c.App.Version }

// tradeStore is the database as filling holes sees it.
type tradeStore struct{ *storage.DB }

// Around is history.TradeStore's.
func (s tradeStore) Around(ctx context.Context, symbol string, at exchange.Micros) (before, after int64, err error) {
	if before, _, err = s.LastTradeBefore(ctx, symbol, at); err != nil {
		return 0, 0, err
	}
	err = s.Ticks(ctx, symbol, storage.TradeRange{FromID: before + 1, Limit: 1}, func(first []exchange.Tick) error {
		after = first[0].ID
		return nil
	})
	return before, after, err
}

// errEnough ends a reading early.
var errEnough = errors.New("enough")

// Gaps is history.TradeStore's.
func (s tradeStore) Gaps(ctx context.Context, symbol string, first, last int64, limit int) ([]history.Gap, error) {
	var gaps []history.Gap
	next := first // the id that is to come
	comes := func(id int64) {
		if id > next {
			gaps = append(gaps, history.Gap{First: next, Last: id - 1})
		}
		next = id + 1
	}
	err := s.Ticks(ctx, symbol, storage.TradeRange{FromID: first}, func(page []exchange.Tick) error {
		for i := range page {
			if next > last || len(gaps) == limit {
				return errEnough
			}
			comes(min(page[i].ID, last+1))
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	if next <= last && len(gaps) < limit {
		comes(last + 1)
	}
	return gaps, nil
}

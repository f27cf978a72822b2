package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/backtest"
	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/storage"
)

func (p *program) optimizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "optimize",
		Usage:     "look for the settings that would have done best on past trades",
		ArgsUsage: "SYMBOL",
		Description: "Tries settings by backtests. The time is cut in two: settings are ranked by what they did in\n" +
			"its first part, in sample, and beside it stands what the same settings did in the second, out\n" +
			"of sample. With --walk-forward 5 five windows of time are cut in two like that, one after the\n" +
			"other. What is good in sample alone fits that time rather than the market.\n\n" +
			"What has been tried is kept beside the database, as a study: after Ctrl-C the same command\n" +
			"goes on. A study is of the same trades, rules and costs; its name follows from those unless\n" +
			"--name gives one.\n\n" +
			"With --cluster the nodes of a running cluster help, each with all of its cores but one. Those\n" +
			"that lack the trades are sent them, and what a node does not finish goes to another. Example:\n\n" +
			"  hedgehog optimize XRPETH --param profit_target=0.0005:0.01:20 --param chunks=1,3,5",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringSliceFlag{Name: "param", Usage: "vary `NAME=LOW:HIGH:STEPS`, evenly spaced, or NAME=VALUE,VALUE; NAME is one of " +
				strings.Join(optimize.Parameters(), ", ") + "; may be repeated"},
			&cli.StringFlag{Name: "method", Usage: "try them all (grid), a seeded choice (random), or where good ones were found (tpe): `METHOD`", Value: "grid"},
			&cli.IntFlag{Name: "trials", Usage: "with random and tpe, try `N` choices in each window", Value: 100},
			&cli.Uint64Flag{Name: "seed", Usage: "what random and tpe draw follows from `N`", Value: 1},
			&cli.StringFlag{Name: "objective", Usage: "rank by `FIGURE`: profit, profit_share, realized or drawdown_adjusted", Value: "profit"},
			&cli.StringFlag{Name: "split", Usage: "the `SHARE` of the time that is in sample", Value: "0.7"},
			&cli.IntFlag{Name: "walk-forward", Usage: "cut the time into `K` windows, each in two", Value: 1},
			&cli.IntFlag{Name: "jobs", Usage: "`N` backtests at once", DefaultText: "one for each core"},
			&cli.StringFlag{Name: "memory", Usage: "hold trades in at most `SIZE` of memory, 40 bytes each", Value: "4GiB"},
			&cli.StringFlag{Name: "name", Usage: "keep what was tried as the study `NAME`", DefaultText: "by symbol, trades, rules and costs"},
			&cli.IntFlag{Name: "top", Usage: "show the best `N` of each window", Value: 10},
			&cli.BoolFlag{Name: "cluster", Usage: "have all nodes of the cluster help", DisableDefaultText: true},
		}, pastFlags(), trialFlags(), clientFlags(tableFlag())),
		Action: p.optimize,
		Subcommands: []*cli.Command{
			p.studiesCommand(),
			p.studyCommand(),
		},
	}
}

// search is what the flags ask for, before there are trades.
type search struct {
	symbol string
	config optimize.Config // its Backtest is not set
	memory int64           // bytes
	name   string
	top    int
}

// searchOf returns what the flags ask for.
func searchOf(c *cli.Context) (search, error) {
	symbol, err := neededSymbol(c)
	if err != nil {
		return search{}, err
	}
	s := search{symbol: symbol, config: optimize.DefaultConfig(backtest.Config{}), name: c.String("name"), top: c.Int("top")}
	s.config.Method, s.config.Objective = optimize.Method(c.String("method")), optimize.Objective(c.String("objective"))
	s.config.Trials, s.config.Seed, s.config.Windows = c.Int("trials"), c.Uint64("seed"), c.Int("walk-forward")
	if s.config.Split, err = decimalOf(c, "split", c.String("split")); err != nil {
		return search{}, err
	}
	if c.IsSet("jobs") {
		s.config.Jobs = c.Int("jobs")
	}
	if len(c.StringSlice("param")) == 0 {
		return search{}, wrongUsage(c, "which settings? --param profit_target=0.0005:0.01:20")
	}
	for _, text := range c.StringSlice("param") {
		parameter, err := optimize.ParseParameter(text)
		if err != nil {
			return search{}, wrongUsage(c, "--param %v", err)
		}
		s.config.Parameters = append(s.config.Parameters, parameter)
	}
	if s.memory, err = sizeOf(c, "memory"); err != nil {
		return search{}, err
	}
	switch {
	case s.name != "" && !validStudy(s.name):
		return search{}, wrongStudy(c, s.name)
	case s.top < 1:
		return search{}, wrongUsage(c, "--top %d: want 1 or more", s.top)
	case s.config.Method == optimize.Grid && (c.IsSet("trials") || c.IsSet("seed")):
		return search{}, wrongUsage(c, "--trials and --seed have a meaning only with --method random or tpe")
	}
	return s, nil
}

func (p *program) optimize(c *cli.Context) (err error) {
	s, err := searchOf(c)
	if err != nil {
		return err
	}
	h, err := openPast(c, s.symbol)
	if errors.Is(err, errNoHistory) && len(h.files) > 0 {
		err = nil // the directory is for the studies then
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	studies, err := makeIn(c, studiesFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, studies.Close()) }()
	t, err := p.trialOf(c, h)
	if err != nil {
		return err
	}
	s.config.Backtest = t.config
	if err := s.config.Validate(); err != nil {
		return wrongUsage(c, "%s", oneLine(err))
	}
	trades, err := p.load(c, h, s.memory)
	if err != nil {
		return err
	}
	o, err := p.study(c, h, s, trades, studies)
	if err != nil {
		return err
	}
	o.Source = t.settingsSource
	if c.Bool("csv") {
		return writeTrialsCSV(p.stdout, o.Report)
	}
	return p.print(c, o, o.text(p, s.top))
}

// load reads all trades into memory.
func (p *program) load(c *cli.Context, h *past, memory int64) (*optimize.Trades, error) {
	trades := optimize.NewTrades(memory)
	var read atomic.Int64
	began := time.Now()
	defer p.showProgress(func() string {
		return fmt.Sprintf("%s: %d trades read, %s", h.symbol, read.Load(), soFar(began, h.read.get()))
	})()
	for ticks, err := range h.ticks(c.Context) {
		if err == nil {
			err = trades.Add(ticks)
		}
		if err == nil {
			err = context.Cause(c.Context)
		}
		if errors.Is(err, optimize.ErrMemory) {
			return nil, fmt.Errorf("%w: give a shorter time with --from and --to, or more with --memory", err)
		}
		if err != nil {
			return nil, err
		}
		read.Store(trades.Count())
	}
	if trades.Count() == 0 {
		return nil, h.nothing(c.Context)
	}
	return trades, nil
}

// tableFlag returns the flag that asks for comma-separated values.
func tableFlag() cli.Flag {
	return &cli.BoolFlag{Name: "csv", Usage: "print all trials as comma-separated values", DisableDefaultText: true}
}

// sizeOf reads a flag with a size of memory in MiB or GiB, and returns it in bytes.
func sizeOf(c *cli.Context, flag string) (int64, error) {
	text := c.String(flag)
	for unit, shift := range map[string]int{"MiB": 20, "GiB": 30} {
		digits, found := strings.CutSuffix(text, unit)
		if !found {
			continue
		}
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n > 0 && n <= math.MaxInt64>>shift {
			return n << shift, nil
		}
	}
	return 0, wrongUsage(c, "--%s %q: want a size such as 500MiB or 4GiB", flag, text)
}

// study makes the trials that are not kept in the studies yet.
func (p *program) study(c *cli.Context, h *past, s search, trades *optimize.Trades, studies *storage.DB) (*outcome, error) {
	windows, err := optimize.Windows(trades, s.config.Windows, s.config.Split)
	if err != nil {
		return nil, fmt.Errorf("%w: take a longer time, or fewer windows with --walk-forward", err)
	}
	definition, err := optimize.Define(c.Context, s.config.Backtest, trades, windows)
	if err != nil {
		return nil, err
	}
	if s.name == "" {
		if s.name, err = definition.Name(); err != nil {
			return nil, err
		}
	}
	store, err := openStudy(c, studies, s, definition, exchange.MicrosOf(time.Now()))
	if err != nil {
		return nil, err
	}
	runner, err := p.runner(c, &s, trades, definition.Digest)
	if err != nil {
		return nil, err
	}
	study, err := optimize.New(s.config, windows, runner, store)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	line := func() string { return studyLine(s, study.Progress(), began) }
	stop := p.showProgress(line)
	defer stop()
	report, err := study.Run(c.Context)
	stop()
	if err != nil {
		if done := study.Progress().Done; c.Context.Err() != nil && done > 0 {
			fmt.Fprintf(p.stderr, "%s; the same command goes on from there, and hedgehog optimize show %s shows them\n", line(), s.name)
		}
		return nil, h.advise(c.Context, err)
	}
	o := &outcome{Study: s.name, Symbol: s.symbol, Trades: trades.Count(), Kept: study.Progress().Kept, Report: report}
	if pool, ok := runner.(*optimize.Pool); ok {
		o.Made = pool.Made()
	}
	return o, nil
}

// studyLine says how far a study has come.
func studyLine(s search, p optimize.Progress, began time.Time) string {
	text := fmt.Sprintf("%s: %d of %d trials", s.symbol, p.Done, p.Trials)
	if toMake := p.Trials - p.Kept; toMake > 0 {
		text += timeLeft(began, float64(p.Done-p.Kept)/float64(toMake))
	}
	if p.Best != nil {
		var values []string
		for _, parameter := range s.config.Parameters {
			values = append(values, parameter.Name+"="+optimize.Value(&p.Best.Settings, parameter.Name).String())
		}
		text += fmt.Sprintf("; best %s so far %s, with %s", s.config.Objective, s.config.Objective.Score(&p.Best.In), strings.Join(values, " "))
	}
	return text
}

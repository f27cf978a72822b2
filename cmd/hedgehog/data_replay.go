package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

func (p *program) dataReplayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "have a running node play stored trades again",
		ArgsUsage: "SYMBOL",
		Description: "The node publishes the trades of its own database on the topic TRADE_EVENTS:SYMBOL, marked\n" +
			"as replayed: those who watch see them, while the trader of the symbol does not act on them\n" +
			"and they are neither stored nor made into candles again. The replay ends with this command.\n" +
			"Examples:\n\n" +
			"  hedgehog data replay XRPUSDT --from 2026-01-01 --to 2026-01-02 --speed 60\n" +
			"  hedgehog watch TRADE_EVENTS:XRPUSDT",
		Flags: clientFlags(slices.Concat(periodFlags(), []cli.Flag{
			&cli.StringFlag{Name: "speed", Usage: "play `N` times as fast as it was, max (as fast as the node's parts take it) or lockstep (each trade waits until they have dealt with the one before)", Value: "1"},
		})...),
		Action: func(c *cli.Context) error {
			what, err := replayOf(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			return p.replay(c, node, what)
		},
	}
}

// replayOf returns the replay that the command line asks for.
func replayOf(c *cli.Context) (what api.Replay, err error) {
	if what.Symbol, err = neededSymbol(c); err != nil {
		return what, err
	}
	if what.FromUS, what.ToUS, err = periodOf(c); err != nil {
		return what, err
	}
	what.Speed, what.Lockstep, err = speedOf(c)
	return what, err
}

// speedOf reads the flag with the pace of a replay: a factor, 0 for max and
// lockstep.
func speedOf(c *cli.Context) (factor float64, lockstep bool, err error) {
	switch text := c.String("speed"); text {
	case "max", "lockstep":
		return 0, text == "lockstep", nil
	default:
		factor, err = strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
		if err != nil || !(factor > 0) {
			return 0, false, wrongUsage(c, "--speed %q: want max, lockstep or a factor above 0", text)
		}
		return factor, false, nil
	}
}

// replay waits for the end of the replay and says how far it came.
func (p *program) replay(c *cli.Context, node *api.Client, what api.Replay) error {
	var now atomic.Pointer[api.ReplayProgress]
	now.Store(&api.ReplayProgress{})
	stop := p.showProgress(func() string { return p.played(*now.Load()) })
	defer stop()
	last, err := node.Replay(c.Context, what, func(progress api.ReplayProgress) { now.Store(&progress) })
	stop()
	if errors.Is(err, context.Canceled) && last.Published > 0 {
		return p.replayInterrupted(last)
	}
	if err != nil {
		return err
	}
	return p.print(c, last, func(w io.Writer) { fmt.Fprintln(w, p.played(last)) })
}

func (p *program) replayInterrupted(last api.ReplayProgress) error {
	return fmt.Errorf("interrupted: %s; --from %s goes on from there", p.played(last), last.AtUS.Time().Format(time.RFC3339Nano))
}

// played says how far a replay has come.
func (p *program) played(progress api.ReplayProgress) string {
	return fmt.Sprintf("%d trades played, up to %s", progress.Published, p.when(progress.AtUS))
}

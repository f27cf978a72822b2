package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// askEvery is how often a command that waits for a node asks it again.
const askEvery = 100 * time.Millisecond

func (p *program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show how a node is and what runs on it",
		Description: "With --wait it first waits until the node knows its exchange, and fails when that takes\n" +
			"longer; good in scripts, after the node was started. Example:\n\n" +
			"  hedgehog status --wait 30s",
		Flags: clientFlags(&cli.DurationFlag{Name: "wait", Usage: "wait up to `TIME` until the node is ready", DefaultText: "don't"}),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if c.IsSet("wait") && c.Duration("wait") <= 0 {
				return wrongUsage(c, "--wait %s: want more than 0", c.Duration("wait"))
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			var status api.Status
			if wait := c.Duration("wait"); wait > 0 {
				status, err = awaitReady(c.Context, node, wait)
			} else {
				status, err = node.Status(c.Context)
			}
			if err != nil {
				return err
			}
			return p.print(c, status, func(w io.Writer) { writeStatus(w, status) })
		},
	}
}

// awaitReady asks the node until it is ready. The error of a wait that was too
// short says what the node lacked in the end.
func awaitReady(ctx context.Context, node *api.Client, wait time.Duration) (status api.Status, err error) {
	err = await(ctx, wait, func(ctx context.Context) error {
		if status, err = node.Status(ctx); err != nil {
			return err
		}
		if !status.Exchange.Ready {
			return fmt.Errorf("exchange %s: %s", status.Exchange.Name, lacked(status.Exchange))
		}
		return nil
	})
	if err != nil {
		return api.Status{}, fmt.Errorf("not ready after %s: %w", wait, err)
	}
	return status, nil
}

// await calls ask again and again until it returns nil. When that takes longer
// than wait it returns what ask returned last.
func await(ctx context.Context, wait time.Duration, ask func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	last := errors.New("the node does not answer in time")
	for {
		err := ask(limited)
		if err == nil {
			return nil
		}
		if limited.Err() == nil { // else it only says that the time is over
			last = err
		}
		select {
		case <-again.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return last
		}
	}
}

// lacked says why a node is not ready.
func lacked(s api.ExchangeStatus) string {
	if s.Error != "" {
		return s.Error
	}
	return "the node still reads what it lists"
}

func writeStatus(w io.Writer, s api.Status) {
	row(w, "node", fmt.Sprintf("%s, version %s, up %s", s.Node, s.Version, time.Duration(s.UptimeSeconds)*time.Second))
	row(w, "data", s.DataDir)
	if s.Access == api.AccessOpen {
		row(w, "access", "open: whoever is on the node's machine may do everything, nobody else anything (hedgehog token)")
	}
	at := s.Exchange.Name
	if s.Exchange.URL != "" && s.Exchange.URL != at {
		at += " at " + s.Exchange.URL
	}
	if s.Exchange.Ready {
		row(w, "exchange", fmt.Sprintf("%s, %d symbols", at, s.Exchange.Symbols))
	} else {
		row(w, "exchange", fmt.Sprintf("%s, not ready: %s", at, lacked(s.Exchange)))
	}
	if len(s.Symbols) == 0 {
		row(w, "symbols", "nothing is switched on; begin with: hedgehog stream start SYMBOL")
		return
	}
	fmt.Fprintln(w)
	row(w, "SYMBOL", "RUNNING", "LAST TRADE", "TRADES", "BACKFILLED", "MISSING", "POSITIONS", "TRADING")
	for _, symbol := range s.Symbols {
		last := "-"
		if symbol.LastTradeID != 0 {
			last = fmt.Sprint(symbol.LastTradeID)
		}
		row(w, symbol.Symbol, running(symbol.Parts), last, symbol.TradesPublished, symbol.TradesBackfilled,
			symbol.TradesMissing, symbol.OpenPositions, symbol.Trading.Status)
	}
	writeTroubles(w, s.Symbols)
}

// running names the parts that run.
func running(parts []api.PartStatus) string {
	if len(parts) == 0 {
		return "nothing yet"
	}
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return strings.Join(names, ", ")
}

// writeTroubles says what has gone wrong, where something has.
func writeTroubles(w io.Writer, symbols []api.SymbolStatus) {
	for _, s := range symbols {
		if s.TradingError != "" {
			fmt.Fprintf(w, "%s: the latest order could not be placed: %s\n", s.Symbol, s.TradingError)
		}
		for _, part := range s.Parts {
			if part.Restarts > 0 {
				fmt.Fprintf(w, "%s: %s has started again %d times, the last time after: %s\n", s.Symbol, part.Name, part.Restarts, part.LastError)
			}
		}
	}
}

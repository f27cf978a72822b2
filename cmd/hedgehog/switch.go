package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// change describes a command that changes the settings of the symbols that it
// is given.
type change struct {
	name, usage string
	example     string
	flags       []cli.Flag
	// to returns what to change.
	to func(c *cli.Context) (api.Change, error)
	// done says in words how the settings then are.
	done func(api.Settings) string
}

// changeCommand returns the command. All symbols are tried, also after one has
// failed.
func (p *program) changeCommand(is change) *cli.Command {
	return &cli.Command{
		Name:        is.name,
		Usage:       is.usage,
		ArgsUsage:   "SYMBOL…",
		Description: "Example:\n\n  " + is.example,
		Flags:       clientFlags(is.flags...),
		Action: func(c *cli.Context) error {
			symbols, err := neededSymbols(c)
			if err != nil {
				return err
			}
			what, err := is.to(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			changed, err := forEach(c.Context, symbols, func(ctx context.Context, symbol string) (api.Settings, error) {
				return node.Change(ctx, symbol, what)
			})
			if len(changed) == 0 {
				return err
			}
			return errors.Join(p.print(c, changed, func(w io.Writer) {
				for _, s := range changed {
					fmt.Fprintf(w, "%s: %s\n", s.Symbol, is.done(s))
					if hint := lacking(s); hint != "" {
						fmt.Fprintf(w, "  %s\n", hint)
					}
				}
			}), err)
		},
	}
}

// forEach calls do with each symbol and returns what came of it, with the
// errors of those that failed. Where no node answers it stops at once.
func forEach(ctx context.Context, symbols []string, do func(context.Context, string) (api.Settings, error)) ([]api.Settings, error) {
	done := make([]api.Settings, 0, len(symbols))
	var failed []error
	for _, symbol := range symbols {
		s, err := do(ctx, symbol)
		switch {
		case errors.Is(err, api.ErrUnreachable) || ctx.Err() != nil:
			return done, errors.Join(append(failed, err)...)
		case err != nil:
			failed = append(failed, named(symbol, err))
		default:
			done = append(done, s)
		}
	}
	return done, errors.Join(failed...)
}

// named puts the symbol before an error that doesn't name it itself.
func named(symbol string, err error) error {
	if strings.Contains(err.Error(), symbol) {
		return err
	}
	return fmt.Errorf("%s: %w", symbol, err)
}

// lacking says what else has to be switched on before anything happens; empty
// when there is nothing.
func lacking(s api.Settings) string {
	switch {
	case !s.Streaming && (s.Trading.Status != "off" || s.Aggregating || s.Collecting.TradeEvents):
		return "its trades don't reach the node yet: hedgehog stream start " + s.Symbol
	case s.Collecting.OHLC && !s.Aggregating:
		return "no candles of it are built yet: hedgehog aggregate start " + s.Symbol
	default:
		return ""
	}
}

// listing describes a command that lists settings.
type listing struct {
	of     string // what is listed: "streaming"
	on     func(api.Settings) bool
	start  string // the command that switches it on
	header []any
	cells  func(api.Settings) []any
}

// listCommand returns the command. Named symbols are listed whether anything is
// on for them or not.
func (p *program) listCommand(is listing) *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the symbols with " + is.of + " on, or the named ones",
		ArgsUsage: "[SYMBOL…]",
		Description: "Without symbols it lists those for which " + is.of + " is on. JSON has all settings of each.\n" +
			"Example:\n\n" +
			"  " + strings.TrimSuffix(is.start, "start") + "list XRPUSDT --json",
		Flags: clientFlags(),
		Action: func(c *cli.Context) error {
			symbols, err := symbolArguments(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			listed, err := is.read(c.Context, node, symbols)
			if len(listed) == 0 && err != nil {
				return err
			}
			return errors.Join(p.print(c, listed, func(w io.Writer) { is.write(w, listed) }), err)
		},
	}
}

func (is listing) read(ctx context.Context, node *api.Client, symbols []string) ([]api.Settings, error) {
	if len(symbols) > 0 {
		return forEach(ctx, symbols, node.Symbol)
	}
	active, err := node.Symbols(ctx, true)
	if err != nil {
		return nil, err
	}
	listed := make([]api.Settings, 0, len(active))
	for _, s := range active {
		if is.on(s) {
			listed = append(listed, s)
		}
	}
	return listed, nil
}

func (is listing) write(w io.Writer, listed []api.Settings) {
	if len(listed) == 0 {
		fmt.Fprintf(w, "%s is on for no symbol: %s SYMBOL\n", is.of, is.start)
		return
	}
	row(w, append([]any{"SYMBOL"}, is.header...)...)
	for _, s := range listed {
		row(w, append([]any{s.Symbol}, is.cells(s)...)...)
	}
}

// says returns a description that is the same for all settings.
func says(text string) func(api.Settings) string { return func(api.Settings) string { return text } }

// always returns a change that no flag has a say in.
func always(what api.Change) func(*cli.Context) (api.Change, error) {
	return func(*cli.Context) (api.Change, error) { return what, nil }
}

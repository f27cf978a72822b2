package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

func (p *program) tradeCommand() *cli.Command {
	to := func(status string) func(*cli.Context) (api.Change, error) {
		return always(api.Change{TradingStatus: &status})
	}
	return &cli.Command{
		Name:  "trade",
		Usage: "trade symbols",
		Description: "A traded symbol has up to CHUNKS positions at a time, each with its share of the budget.\n" +
			"A position buys a little below the price and sells at a profit after fees.",
		Subcommands: []*cli.Command{
			p.changeCommand(change{name: "start", usage: "trade symbols, now and after each restart",
				example: "hedgehog trade settings XRPUSDT --budget 100\n  hedgehog trade start XRPUSDT", to: to("on"), done: traded}),
			p.changeCommand(change{name: "stop", usage: "stop trading at once; resting orders stay at the exchange",
				example: "hedgehog trade stop XRPUSDT", to: to("off"), done: traded}),
			p.changeCommand(change{name: "shutdown", usage: "open no new position, and stop when the last one has sold",
				example: "hedgehog trade shutdown XRPUSDT", to: to("shutdown"), done: traded}),
			p.listCommand(listing{of: "trading", on: func(s api.Settings) bool { return s.Trading.Status != "off" },
				start:  "hedgehog trade start",
				header: []any{"TRADING", "BUDGET", "CHUNKS", "PROFIT TARGET", "BUY DOWN", "REBUY"},
				cells: func(s api.Settings) []any {
					t := s.Trading
					return []any{t.Status, t.Budget, t.Chunks, t.ProfitTarget, t.BuyDownInterval, t.RebuyInterval}
				}}),
			p.settingsCommand(),
			p.positionsCommand(),
		},
	}
}

// traded says whether and how a symbol is traded.
func traded(s api.Settings) string {
	switch s.Trading.Status {
	case "on":
		return fmt.Sprintf("trading is on, with a budget of %s in up to %d positions", s.Trading.Budget, s.Trading.Chunks)
	case "shutdown":
		return "trading stops when the open positions have sold"
	default:
		return "trading is off; orders that rest at the exchange stay there"
	}
}

func (p *program) settingsCommand() *cli.Command {
	return &cli.Command{
		Name:      "settings",
		Usage:     "show or change how a symbol is traded",
		ArgsUsage: "SYMBOL",
		Description: "Without flags it shows the settings; with flags it changes those, also while the symbol\n" +
			"is traded. Shares are shares of a price: 0.001 is 0.1 %. Example:\n\n" +
			"  hedgehog trade settings XRPUSDT --budget 10 --chunks 5 --profit-target 0.001",
		Flags: clientFlags(
			&cli.StringFlag{Name: "budget", Usage: "what all positions together may spend, an `AMOUNT` of the quote asset"},
			&cli.IntFlag{Name: "chunks", Usage: "at most `N` positions at a time", DefaultText: "as it is"},
			&cli.StringFlag{Name: "profit-target", Usage: "the `SHARE` that a cycle has to earn after fees"},
			&cli.StringFlag{Name: "buy-down-interval", Usage: "buy a `SHARE` below the price"},
			&cli.StringFlag{Name: "rebuy-interval", Usage: "start a further position a `SHARE` below the price bought at"},
		),
		Action: func(c *cli.Context) error {
			symbol, err := neededSymbol(c)
			if err != nil {
				return err
			}
			what, err := settingsOf(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			var s api.Settings
			if what == (api.Change{}) {
				s, err = node.Symbol(c.Context, symbol)
			} else {
				s, err = node.Change(c.Context, symbol, what)
			}
			if err != nil {
				return named(symbol, err)
			}
			return p.print(c, s, func(w io.Writer) { writeSettings(w, s) })
		},
	}
}

// settingsOf returns the change that the flags ask for.
func settingsOf(c *cli.Context) (api.Change, error) {
	var what api.Change
	if c.IsSet("chunks") {
		chunks := c.Int("chunks")
		what.Chunks = &chunks
	}
	for _, f := range []struct {
		flag   string
		target **decimal.Decimal
	}{
		{"budget", &what.Budget},
		{"profit-target", &what.ProfitTarget},
		{"buy-down-interval", &what.BuyDownInterval},
		{"rebuy-interval", &what.RebuyInterval},
	} {
		if !c.IsSet(f.flag) {
			continue
		}
		value, err := decimalOf(c, f.flag, c.String(f.flag))
		if err != nil {
			return api.Change{}, err
		}
		*f.target = &value
	}
	return what, nil
}

func writeSettings(w io.Writer, s api.Settings) {
	t := s.Trading
	row(w, s.Symbol+"\ttrading", t.Status)
	row(w, "\tbudget", t.Budget, "quote asset, over all positions")
	row(w, "\tchunks", t.Chunks, "positions at most")
	row(w, "\tprofit target", t.ProfitTarget, "share to earn after fees")
	row(w, "\tbuy down interval", t.BuyDownInterval, "share below the price to buy at")
	row(w, "\trebuy interval", t.RebuyInterval, "share below a buy to buy again at")
}

func (p *program) positionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "positions",
		Usage:     "show positions",
		ArgsUsage: "[SYMBOL]",
		Description: "The open positions of a symbol, or of all. Example:\n\n" +
			"  hedgehog trade positions XRPUSDT --all",
		Flags: clientFlags(&cli.BoolFlag{Name: "all", Usage: "those that have ended too", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			symbol, err := oneSymbol(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			positions, err := node.Positions(c.Context, symbol, c.Bool("all"))
			if err != nil {
				return err
			}
			return p.print(c, positions, func(w io.Writer) { p.writePositions(w, positions) })
		},
	}
}

func (p *program) writePositions(w io.Writer, positions []api.Position) {
	if len(positions) == 0 {
		fmt.Fprintln(w, "there are no positions; a traded symbol opens one with its next trade: hedgehog trade start SYMBOL")
		return
	}
	row(w, "SYMBOL", "POSITION", "SLOT", "STATE", "BUY", "SELL", "PROFIT", "STARTED", "ENDED")
	for _, pos := range positions {
		profit := "-"
		if pos.State == "finished" {
			profit = pos.Profit.String()
		}
		row(w, pos.Symbol, pos.ID, pos.Slot, pos.State, leg(pos.Buy), leg(pos.Sell), profit, p.when(pos.StartTime), p.when(pos.EndTime))
	}
}

// leg sums up one order of a position.
func leg(o *exchange.Order) string {
	if o == nil {
		return "-"
	}
	return fmt.Sprintf("%s at %s, %s", o.OriginalQuantity, o.Price, plain(o.Status))
}

// plain returns a status in small letters and words.
func plain(s exchange.Status) string {
	return strings.ToLower(strings.ReplaceAll(string(s), "_", " "))
}

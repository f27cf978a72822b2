package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

func (p *program) ordersCommand() *cli.Command {
	return &cli.Command{
		Name:      "orders",
		Usage:     "show our orders",
		ArgsUsage: "[SYMBOL]",
		Description: "The orders in the node's database, newest first, of one symbol or of all. Example:\n\n" +
			"  hedgehog orders XRPUSDT --open",
		Flags: clientFlags(&cli.BoolFlag{Name: "open", Usage: "only those that may still be filled", DisableDefaultText: true}, limitFlag(50)),
		Action: func(c *cli.Context) error {
			symbol, err := oneSymbol(c)
			if err != nil {
				return err
			}
			limit, err := limitOf(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			orders, err := node.Orders(c.Context, symbol, c.Bool("open"), limit)
			if err != nil {
				return err
			}
			return p.print(c, orders, func(w io.Writer) { p.writeOrders(w, orders) })
		},
	}
}

func (p *program) writeOrders(w io.Writer, orders []exchange.Order) {
	if len(orders) == 0 {
		fmt.Fprintln(w, "no such orders are stored; those of a traded symbol are stored while collecting is on: hedgehog collect start SYMBOL")
		return
	}
	row(w, "TIME", "SYMBOL", "SIDE", "PRICE", "QUANTITY", "FILLED", "STATUS", "ORDER", "CLIENT ORDER")
	for _, o := range orders {
		row(w, p.when(o.Time), o.Symbol, o.Side, o.Price, o.OriginalQuantity, o.ExecutedQuantity, o.Status, o.ID, o.ClientID)
	}
}

// newestOf asks a node for the newest rows of the symbol that is named, and prints them.
func newestOf[T any](
	p *program, ask func(node *api.Client, ctx context.Context, symbol string, limit int) ([]T, error), write func(w io.Writer, symbol string, rows []T),
) cli.ActionFunc {
	return func(c *cli.Context) error {
		symbol, err := neededSymbol(c)
		if err != nil {
			return err
		}
		limit, err := limitOf(c)
		if err != nil {
			return err
		}
		node, err := client(c)
		if err != nil {
			return err
		}
		rows, err := ask(node, c.Context, symbol, limit)
		if err != nil {
			return err
		}
		return p.print(c, rows, func(w io.Writer) { write(w, symbol, rows) })
	}
}

func (p *program) fillsCommand() *cli.Command {
	return &cli.Command{
		Name:        "fills",
		Usage:       "show what our orders of a symbol have bought and sold",
		ArgsUsage:   "SYMBOL",
		Description: "The newest fills in the nodes' databases, newest first, with their commissions. Example:\n\n  hedgehog fills XRPUSDT --limit 5",
		Flags:       clientFlags(limitFlag(50)),
		Action:      newestOf(p, (*api.Client).Fills, p.writeFills),
	}
}

func (p *program) writeFills(w io.Writer, symbol string, fills []exchange.Fill) {
	if len(fills) == 0 {
		fmt.Fprintf(w, "no fills are stored; those of a traded symbol are stored while collecting is on: hedgehog collect start %s\n", symbol)
		return
	}
	row(w, "TIME", "SIDE", "PRICE", "QUANTITY", "COMMISSION", "ORDER", "TRADE")
	for _, f := range fills {
		row(w, p.when(f.Time), f.Side, f.Price, f.Quantity, f.Commission.String()+" "+f.CommissionAsset, f.OrderID, f.TradeID)
	}
}

func (p *program) tradesCommand() *cli.Command {
	return &cli.Command{
		Name:        "trades",
		Usage:       "show stored trades of a symbol",
		ArgsUsage:   "SYMBOL",
		Description: "The newest trades in the node's database, oldest first. Example:\n\n  hedgehog trades XRPUSDT --limit 5",
		Flags:       clientFlags(limitFlag(20)),
		Action:      newestOf(p, (*api.Client).Trades, p.writeTrades),
	}
}

func (p *program) writeTrades(w io.Writer, symbol string, trades []exchange.TradeEvent) {
	if len(trades) == 0 {
		fmt.Fprintf(w, "no trades are stored; they are while streaming and collecting are on: hedgehog stream start %s, hedgehog collect start %[1]s\n", symbol)
		return
	}
	row(w, "TIME", "TRADE", "PRICE", "QUANTITY")
	for _, t := range trades {
		row(w, p.when(t.TradeTime), t.ID, t.Price, t.Quantity)
	}
}

func (p *program) candlesCommand() *cli.Command {
	return &cli.Command{
		Name:        "candles",
		Usage:       "show stored candles of a symbol",
		ArgsUsage:   "SYMBOL",
		Description: "The newest candles in the node's database, oldest first. Example:\n\n  hedgehog candles XRPUSDT --minutes 15",
		Flags: clientFlags(
			&cli.IntFlag{Name: "minutes", Usage: "of `LENGTH` 1, 5, 15, 60, 240 or 1440 minutes", Value: 1},
			limitFlag(20),
		),
		Action: func(c *cli.Context) error {
			symbol, err := neededSymbol(c)
			if err != nil {
				return err
			}
			minutes := c.Int("minutes")
			if !slices.Contains(exchange.CandleMinutes[:], minutes) {
				return wrongUsage(c, "--minutes %d: want 1, 5, 15, 60, 240 or 1440", minutes)
			}
			limit, err := limitOf(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			candles, err := node.Candles(c.Context, symbol, minutes, limit)
			if err != nil {
				return err
			}
			return p.print(c, candles, func(w io.Writer) { p.writeCandles(w, symbol, candles) })
		},
	}
}

func (p *program) writeCandles(w io.Writer, symbol string, candles []exchange.Candle) {
	if len(candles) == 0 {
		fmt.Fprintf(w, "no candles of this length are stored; they are, once finished, while building and collecting them is on: hedgehog aggregate start %s, hedgehog collect start %[1]s\n", symbol)
		return
	}
	row(w, "START", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME", "TRADES")
	for _, k := range candles {
		start := k.StartTime.Time().In(p.zone).Format("2006-01-02 15:04")
		row(w, start, k.Open, k.High, k.Low, k.Close, k.Volume, k.Trades)
	}
}

package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

func (p *program) streamCommand() *cli.Command {
	on := func(on bool) func(*cli.Context) (api.Change, error) { return always(api.Change{Streaming: &on}) }
	return &cli.Command{
		Name:        "stream",
		Usage:       "follow the trades of symbols",
		Description: "A streamed symbol's trades reach the node as they happen. All else builds on that:\ntrading, collecting and candles.",
		Subcommands: []*cli.Command{
			p.changeCommand(change{name: "start", usage: "follow the trades of symbols, now and after each restart",
				example: "hedgehog stream start XRPUSDT BTCUSDT", to: on(true), done: says("streaming is on")}),
			p.changeCommand(change{name: "stop", usage: "follow the trades of symbols no more",
				example: "hedgehog stream stop XRPUSDT", to: on(false), done: says("streaming is off")}),
			p.listCommand(listing{of: "streaming", on: func(s api.Settings) bool { return s.Streaming },
				start: "hedgehog stream start", header: []any{"STREAMING"},
				cells: func(s api.Settings) []any { return []any{yes(s.Streaming)} }}),
		},
	}
}

func (p *program) aggregateCommand() *cli.Command {
	on := func(on bool) func(*cli.Context) (api.Change, error) { return always(api.Change{Aggregating: &on}) }
	return &cli.Command{
		Name:        "aggregate",
		Usage:       "build candles from the trades of symbols",
		Description: "Candles of 1, 5, 15, 60, 240 and 1440 minutes are built from the streamed trades.\nTo keep them: hedgehog collect start SYMBOL --topic ohlc.",
		Subcommands: []*cli.Command{
			p.changeCommand(change{name: "start", usage: "build candles of symbols, now and after each restart",
				example: "hedgehog aggregate start XRPUSDT", to: on(true), done: says("building candles is on")}),
			p.changeCommand(change{name: "stop", usage: "build candles of symbols no more",
				example: "hedgehog aggregate stop XRPUSDT", to: on(false), done: says("building candles is off")}),
			p.listCommand(listing{of: "building candles", on: func(s api.Settings) bool { return s.Aggregating },
				start: "hedgehog aggregate start", header: []any{"CANDLES"},
				cells: func(s api.Settings) []any { return []any{yes(s.Aggregating)} }}),
		},
	}
}

// collectable are the names of what can be collected, in the order of api.Collecting.
var collectable = [...]string{"trade_events", "orders", "ohlc"}

func (p *program) collectCommand() *cli.Command {
	topics := func() []cli.Flag {
		return []cli.Flag{&cli.StringSliceFlag{Name: "topic",
			Usage: "only `TOPIC`: trade_events, orders or ohlc; may be repeated; without it all three"}}
	}
	return &cli.Command{
		Name:        "collect",
		Usage:       "store trades, orders and candles of symbols",
		Description: "What is collected goes to the node's database: trades, the states of our orders, candles.",
		Subcommands: []*cli.Command{
			p.changeCommand(change{name: "start", usage: "store what happens to symbols, now and after each restart",
				example: "hedgehog collect start XRPUSDT\n  hedgehog collect start XRPUSDT --topic trade_events --topic ohlc",
				flags:   topics(), to: collecting(true), done: collected}),
			p.changeCommand(change{name: "stop", usage: "store what happens to symbols no more",
				example: "hedgehog collect stop XRPUSDT\n  hedgehog collect stop XRPUSDT --topic ohlc",
				flags:   topics(), to: collecting(false), done: collected}),
			p.listCommand(listing{of: "collecting", on: func(s api.Settings) bool { return s.Collecting.Any() },
				start: "hedgehog collect start", header: []any{"TRADE_EVENTS", "ORDERS", "OHLC"},
				cells: func(s api.Settings) []any {
					return []any{yes(s.Collecting.TradeEvents), yes(s.Collecting.Orders), yes(s.Collecting.OHLC)}
				}}),
		},
	}
}

// collecting returns the change that switches the topics of the flags, all when
// there are none.
func collecting(on bool) func(*cli.Context) (api.Change, error) {
	return func(c *cli.Context) (api.Change, error) {
		topics := listed(c, "topic")
		if len(topics) == 0 {
			topics = collectable[:]
		}
		var what api.Change
		for _, topic := range topics {
			switch strings.ToLower(topic) {
			case "trade_events":
				what.CollectTrades = &on
			case "orders":
				what.CollectOrders = &on
			case "ohlc":
				what.CollectOHLC = &on
			default:
				return api.Change{}, wrongUsage(c, "--topic %q: want one of %s", topic, strings.Join(collectable[:], ", "))
			}
		}
		return what, nil
	}
}

// collected says what is collected of a symbol.
func collected(s api.Settings) string {
	var topics []string
	for i, on := range [...]bool{s.Collecting.TradeEvents, s.Collecting.Orders, s.Collecting.OHLC} {
		if on {
			topics = append(topics, collectable[i])
		}
	}
	if len(topics) == 0 {
		return "collecting is off"
	}
	return "collecting is on for " + strings.Join(topics, ", ")
}

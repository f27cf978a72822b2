package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/data/bus"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

func (p *program) watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "show the events of a topic as they happen",
		ArgsUsage: "KIND:SYMBOL",
		Description: "The kinds are " + strings.Join(bus.Kinds(), ", ") + ".\n" +
			"Events come until the command is interrupted; a slow terminal misses some and is told\n" +
			"how many. Example:\n\n" +
			"  hedgehog watch TRADE_EVENTS:XRPUSDT --count 10",
		Flags: clientFlags(&cli.IntFlag{Name: "count", Usage: "end after `N` events", DefaultText: "endless"}),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return wrongUsage(c, "want one topic, such as TRADE_EVENTS:XRPUSDT")
			}
			topic, err := bus.ParseTopic(strings.ToUpper(c.Args().First()))
			if err != nil {
				return wrongUsage(c, "%v", err)
			}
			if c.IsSet("count") && c.Int("count") < 1 {
				return wrongUsage(c, "--count %d: want 1 or more", c.Int("count"))
			}
			return p.watch(c, topic)
		},
	}
}

// errCounted ends a watch that has shown as many events as it should.
var errCounted = errors.New("all events shown")

// watch prints the topic's events. That it is interrupted is how it usually
// ends, and no failure.
func (p *program) watch(c *cli.Context, topic bus.Topic) error {
	node, err := client(c)
	if err != nil {
		return err
	}
	left := c.Int("count")
	err = node.Watch(c.Context, string(topic), func(line []byte) error {
		event, err := p.printMessage(c.Bool("json"), topic, line)
		if err != nil || !event {
			return err
		}
		if left--; left == 0 {
			return errCounted
		}
		return nil
	})
	switch {
	case errors.Is(err, errCounted) || c.Context.Err() != nil:
		return nil
	case err == nil:
		return fmt.Errorf("watch %s: the node has ended it, as it does when it stops", topic)
	default:
		return err
	}
}

// printMessage prints one line of a watch and says whether it was an event.
func (p *program) printMessage(raw bool, topic bus.Topic, line []byte) (event bool, err error) {
	var message struct {
		Event   json.RawMessage `json:"event"`
		Dropped uint64          `json:"dropped"`
	}
	if err := json.Unmarshal(line, &message); err != nil {
		return false, fmt.Errorf("watch %s: line %q: %w", topic, line, err)
	}
	text := string(line)
	switch {
	case raw:
	case message.Event == nil:
		text = fmt.Sprintf("(%d events were missed here)", message.Dropped)
	default:
		if text, err = p.describe(topic, message.Event); err != nil {
			return false, fmt.Errorf("watch %s: event %s: %w", topic, message.Event, err)
		}
	}
	if _, err := fmt.Fprintln(p.stdout, text); err != nil {
		return false, fmt.Errorf("print: %w", err)
	}
	return message.Event != nil, nil
}

// describe returns an event of the topic in words.
func (p *program) describe(topic bus.Topic, event []byte) (string, error) {
	kind, _, _ := strings.Cut(string(topic), ":")
	switch kind {
	case bus.KindTradeEvents:
		t, err := decode[exchange.TradeEvent](event)
		text := fmt.Sprintf("%s  trade %d  %s × %s", p.when(t.TradeTime), t.ID, t.Price, t.Quantity)
		if t.Source != exchange.Live {
			text += "  (" + t.Source.String() + ")"
		}
		return text, err
	case bus.KindOrders:
		o, err := decode[exchange.OrderUpdate](event)
		return fmt.Sprintf("%s  order %d  %s %s at %s  %s, %s filled", p.when(o.UpdateTime), o.ID,
			strings.ToLower(string(o.Side)), o.OriginalQuantity, o.Price, plain(o.Status), o.ExecutedQuantity), err
	case bus.KindOHLC:
		k, err := decode[exchange.Candle](event)
		return fmt.Sprintf("%s  %d min  open %s  high %s  low %s  close %s  volume %s  trades %d", p.when(k.StartTime),
			k.Minutes, k.Open, k.High, k.Low, k.Close, k.Volume, k.Trades), err
	case bus.KindPositions:
		pos, err := decode[naive.Position](event)
		return fmt.Sprintf("position %s  %s  buy %s  sell %s", pos.ID, pos.State, leg(pos.Buy), leg(pos.Sell)), err
	case bus.KindSettings:
		s, err := decode[naive.Settings](event)
		return fmt.Sprintf("trading %s  budget %s  chunks %d  profit target %s  buy down %s  rebuy %s",
			s.Status, s.Budget, s.Chunks, s.ProfitTarget, s.BuyDownInterval, s.RebuyInterval), err
	default:
		return string(event), nil
	}
}

func decode[T any](event []byte) (decoded T, err error) {
	return decoded, json.Unmarshal(event, &decoded)
}

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/shopspring/decimal"
	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

func (p *program) profitCommand() *cli.Command {
	return &cli.Command{
		Name:      "profit",
		Usage:     "show what trading has brought",
		ArgsUsage: "[SYMBOL]",
		Description: "What the finished positions have earned after commissions, in all and lately, and what the\n" +
			"open ones hold, of a symbol or of all. Examples:\n\n" +
			"  hedgehog profit\n" +
			"  hedgehog profit XRPUSDT --json",
		Flags: clientFlags(),
		Action: func(c *cli.Context) error {
			symbol, err := oneSymbol(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			profits, err := node.Profit(c.Context, symbol)
			if err != nil {
				return err
			}
			return p.print(c, profits, func(w io.Writer) { writeProfits(w, profits) })
		},
	}
}

func writeProfits(w io.Writer, profits []api.Profit) {
	if len(profits) == 0 {
		fmt.Fprintln(w, "nothing has been traded yet; begin with: hedgehog trade start SYMBOL")
		return
	}
	row(w, "SYMBOL", "CYCLES", "PROFIT", "24 HOURS", "7 DAYS", "OPEN", "HELD", "INVESTED", "LAST PRICE", "UNREALIZED", "IN")
	for _, s := range profits {
		row(w, s.Symbol, s.Cycles, s.Profit, s.ProfitDay, s.ProfitWeek, s.OpenPositions, s.Held, s.Invested, known(s.LastPrice), known(s.Unrealized), s.QuoteAsset)
	}
	if len(profits) == 1 {
		return
	}
	totals := totalProfits(profits)
	for _, asset := range slices.Sorted(maps.Keys(totals)) {
		t := totals[asset]
		row(w, "all", t.Cycles, t.Profit, t.ProfitDay, t.ProfitWeek, t.OpenPositions, "", t.Invested, "", known(t.Unrealized), asset)
	}
}

// totalProfits adds up what was earned, by quote asset. What is not known of one symbol
// is not known of all.
func totalProfits(profits []api.Profit) map[string]api.Profit {
	totals := make(map[string]api.Profit)
	for _, s := range profits {
		t, ok := totals[s.QuoteAsset]
		if !ok {
			t.Unrealized = new(decimal.Decimal)
		}
		t.Cycles, t.OpenPositions = t.Cycles+s.Cycles, t.OpenPositions+s.OpenPositions
		t.Profit, t.ProfitDay, t.ProfitWeek = t.Profit.Add(s.Profit), t.ProfitDay.Add(s.ProfitDay), t.ProfitWeek.Add(s.ProfitWeek)
		t.Invested = t.Invested.Add(s.Invested)
		if t.Unrealized != nil && s.Unrealized != nil {
			sum := t.Unrealized.Add(*s.Unrealized)
			t.Unrealized = &sum
		} else {
			t.Unrealized = nil
		}
		totals[s.QuoteAsset] = t
	}
	return totals
}

// known writes an amount that may not be known.
func known(d *decimal.Decimal) string {
	if d == nil {
		return "-"
	}
	return d.String()
}

package report

import (
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// Figure is one figure of a result in words: a value with its unit, the same as a
// share where there is one, and what has to be said of it. Any but the name may be
// empty.
type Figure struct {
	Name, Value, Share, Note string
}

// Figures returns the figures of a result; symbol has the names of the assets.
func Figures(r backtest.Result, symbol exchange.Symbol) []Figure {
	quote := func(d decimal.Decimal) string { return amount(d) + " " + symbol.QuoteAsset }
	figures := []Figure{
		{"profit", quote(r.Profit), percent(r.ProfitShare), "after fees, what is open at the last price"},
		{"buy and hold", quote(r.BuyAndHold), percent(r.BuyAndHoldShare), "the budget spent at the first price"},
		{"realized", quote(r.Realized), percent(r.Realized.DivRound(r.Settings.Budget, 8)), "by finished cycles"},
		{"fees", quote(r.Fees), percent(r.Fees.DivRound(r.Settings.Budget, 8)), percent(r.Commission) + " of each fill"},
		{"maximum drawdown", quote(r.MaxDrawdown), percent(r.MaxDrawdownShare), "from the highest worth before"},
		{"exposure", "", percent(r.Exposure), "of the budget was spent, on average over time"},
		{"time in market", "", percent(r.TimeInMarket), "of the time something was held"},
		{"cycles", strconv.Itoa(r.Cycles), "", fmt.Sprintf("%d won", r.Won)},
		winRate(r), profitFactor(r),
		{"orders", strconv.Itoa(r.Orders), "", fmt.Sprintf("%d fills", r.Fills)},
	}
	if r.Refused > 0 {
		figures = append(figures, Figure{"refused orders", strconv.Itoa(r.Refused), "", "the last one: " + r.LastRefusal})
	}
	change := r.LastPrice.Sub(r.FirstPrice).DivRound(r.FirstPrice, 8)
	figures = append(figures,
		Figure{"price", quote(r.LastPrice), percent(change), "at first " + r.FirstPrice.String()},
		Figure{Name: "trades", Value: strconv.FormatInt(r.Trades, 10)})
	if r.Missing > 0 {
		figures = append(figures, Figure{"missing trades", strconv.FormatInt(r.Missing, 10), "", "passed over"})
	}
	return figures
}

func winRate(r backtest.Result) Figure {
	if r.WinRate == nil {
		return Figure{Name: "win rate", Share: "-", Note: "no cycle has finished"}
	}
	return Figure{Name: "win rate", Share: percent(*r.WinRate), Note: "of the cycles earned something"}
}

func profitFactor(r backtest.Result) Figure {
	if r.ProfitFactor == nil {
		return Figure{Name: "profit factor", Value: "-", Note: "no cycle has lost"}
	}
	return Figure{Name: "profit factor", Value: r.ProfitFactor.Round(3).String(), Note: "earned by winning cycles to lost by others"}
}

// Settings returns what was tried, in words.
func Settings(r backtest.Result, symbol exchange.Symbol) []Figure {
	s := r.Settings
	return []Figure{
		{"budget", amount(s.Budget) + " " + symbol.QuoteAsset, "", "over all positions"},
		{"chunks", strconv.Itoa(s.Chunks), "", "positions at most"},
		{"buy down interval", s.BuyDownInterval.String(), percent(s.BuyDownInterval), "below the price to buy at"},
		{"profit target", s.ProfitTarget.String(), percent(s.ProfitTarget), "to earn after fees"},
		{"rebuy interval", s.RebuyInterval.String(), percent(s.RebuyInterval), "below a buy to buy again at"},
	}
}

// amount writes an amount for people, with no more places than the exchange has.
func amount(d decimal.Decimal) string { return d.Round(exchange.UnitPlaces).String() }

// percent writes a share for people.
func percent(share decimal.Decimal) string { return share.Shift(2).Round(4).String() + " %" }

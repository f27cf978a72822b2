package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// csvTime is RFC 3339 with all microseconds.
const csvTime = "2006-01-02T15:04:05.000000Z"

// CSV writes the result as a header and one line. The columns are named as in its
// JSON, those of the settings too; a figure that there is not is empty. Of the open
// positions it has their number and what they cost and are worth together.
func CSV(w io.Writer, r backtest.Result) error {
	var cost, value decimal.Decimal
	for _, o := range r.Open {
		cost, value = cost.Add(o.Cost), value.Add(o.Value)
	}
	integer := strconv.Itoa
	columns := [][2]string{
		{"symbol", r.Symbol},
		{"from", r.From.Time().Format(csvTime)}, {"to", r.To.Time().Format(csvTime)},
		{"chunks", integer(r.Settings.Chunks)}, {"budget", r.Settings.Budget.String()},
		{"buy_down_interval", r.Settings.BuyDownInterval.String()},
		{"profit_target", r.Settings.ProfitTarget.String()},
		{"rebuy_interval", r.Settings.RebuyInterval.String()},
		{"commission", r.Commission.String()},
		{"trades", strconv.FormatInt(r.Trades, 10)}, {"missing_trades", strconv.FormatInt(r.Missing, 10)},
		{"first_price", r.FirstPrice.String()}, {"last_price", r.LastPrice.String()},
		{"orders", integer(r.Orders)}, {"fills", integer(r.Fills)},
		{"cycles", integer(r.Cycles)}, {"won", integer(r.Won)}, {"refused", integer(r.Refused)},
		{"profit", r.Profit.String()}, {"profit_share", r.ProfitShare.String()},
		{"realized", r.Realized.String()}, {"fees", r.Fees.String()},
		{"max_drawdown", r.MaxDrawdown.String()}, {"max_drawdown_share", r.MaxDrawdownShare.String()},
		{"exposure", r.Exposure.String()}, {"time_in_market", r.TimeInMarket.String()},
		{"win_rate", optional(r.WinRate)}, {"profit_factor", optional(r.ProfitFactor)},
		{"buy_and_hold", r.BuyAndHold.String()}, {"buy_and_hold_share", r.BuyAndHoldShare.String()},
		{"open", integer(len(r.Open))}, {"open_cost", cost.String()}, {"open_value", value.String()},
	}
	out := csv.NewWriter(w)
	for i := range 2 {
		record := make([]string, len(columns))
		for n, c := range columns {
			record[n] = c[i]
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func optional(d *decimal.Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// OrderLine writes an order as a line side,price,quantity,status.
func OrderLine(w io.Writer, o exchange.Order) error {
	_, err := io.WriteString(w, string(o.Side)+","+o.Price.String()+","+o.OriginalQuantity.String()+","+string(o.Status)+"\n")
	return err
}

// FillLine writes a fill as a line time,side,price,quantity,commission,asset of the
// commission.
func FillLine(w io.Writer, f exchange.Fill) error {
	_, err := io.WriteString(w, f.Time.Time().Format(csvTime)+","+string(f.Side)+","+f.Price.String()+","+f.Quantity.String()+","+
		f.Commission.String()+","+f.CommissionAsset+"\n")
	return err
}

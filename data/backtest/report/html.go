package report

import (
	_ "embed" // the page's template
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

// Page is what a page shows.
type Page struct {
	Result backtest.Result
	Symbol exchange.Symbol
	Marks  Marks
	// Notes are sentences on how the run was made, such as where its rules are from.
	Notes []string
}

//go:embed page.html
var pageText string

// HTML writes the page.
func HTML(w io.Writer, p Page) error {
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	r := p.Result
	err = page.Execute(w, map[string]any{
		"Symbol":   r.Symbol,
		"From":     clock(r.From),
		"To":       clock(r.To),
		"Span":     span(r.From, r.To),
		"Figures":  Figures(r, p.Symbol),
		"Settings": Settings(r, p.Symbol),
		"Open":     openRows(r.Open),
		"Quote":    p.Symbol.QuoteAsset,
		"Base":     p.Symbol.BaseAsset,
		"Charts":   charts(p),
		"Notes":    append(p.Notes, p.sampling()...),
		"Points":   readout(p),
	})
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// clock writes a time for people, in UTC.
func clock(t exchange.Micros) string { return t.Time().Format("2006-01-02 15:04:05") }

func span(from, to exchange.Micros) string {
	return (time.Duration(to-from) * time.Microsecond).Round(time.Second).String()
}

// sampling says what the charts leave out.
func (p *Page) sampling() []string {
	points := p.Result.Curve
	var notes []string
	if len(points) > 1 {
		notes = append(notes, fmt.Sprintf("The curves have %d points: the lowest, the highest and the last price of each stretch with trades, "+
			"and equity and drawdown at its end. Within one the drawdown may have been deeper; the figure above is exact.", len(points)))
	}
	if p.Marks.step > 0 {
		notes = append(notes, fmt.Sprintf("The %d fills are drawn as %d marks: one stands for all buys, or all sells, of %s, at their average price.",
			p.Marks.fills, len(p.Marks.marks), time.Duration(p.Marks.step)*time.Microsecond))
	}
	return notes
}

// holding returns what the budget would have been worth at the price, had it been
// spent at the first one.
func holding(r *backtest.Result, price decimal.Decimal) decimal.Decimal {
	kept := decimal.New(1, 0).Sub(r.Commission)
	return r.Settings.Budget.Mul(kept).Mul(price).DivRound(r.FirstPrice, exchange.UnitPlaces)
}

func charts(p Page) []chart { return []chart{priceChart(p), equityChart(p), drawdownChart(p)} }

func priceChart(p Page) chart {
	r := p.Result
	var values []float64
	for _, point := range r.Curve {
		values = append(values, point.Low.Decimal().InexactFloat64(), point.High.Decimal().InexactFloat64())
	}
	for i := range p.Marks.marks {
		values = append(values, p.Marks.marks[i].price().InexactFloat64())
	}
	f := frameOf(r.From, r.To, values...)
	var closes, highs, band []spot
	for _, point := range r.Curve {
		x := f.x(point.Time)
		closes = append(closes, spot{x, f.y(point.Close.Decimal().InexactFloat64())})
		highs = append(highs, spot{x, f.y(point.High.Decimal().InexactFloat64())})
	}
	band = highs
	for i := len(r.Curve) - 1; i >= 0; i-- {
		band = append(band, spot{f.x(r.Curve[i].Time), f.y(r.Curve[i].Low.Decimal().InexactFloat64())})
	}
	marks := map[exchange.Side][]spot{}
	for i := range p.Marks.marks {
		m := &p.Marks.marks[i]
		marks[m.side] = append(marks[m.side], spot{f.x(m.time), f.y(m.price().InexactFloat64())})
	}
	return chart{Title: "Price", Unit: p.Symbol.QuoteAsset, Values: f.valueLabels(""), Times: f.timeLabels(), Series: []series{
		{"band price", "lowest to highest", line(band, true)},
		{"line price", "price", line(closes, false)},
		{"dots buys", "buys", dots(marks[exchange.Buy])},
		{"dots sells", "sells", dots(marks[exchange.Sell])},
	}}
}

func equityChart(p Page) chart {
	r := p.Result
	budget := r.Settings.Budget.InexactFloat64()
	values := []float64{budget}
	for _, point := range r.Curve {
		values = append(values, point.Equity.InexactFloat64(), holding(&r, point.Close.Decimal()).InexactFloat64())
	}
	f := frameOf(r.From, r.To, values...)
	var equity, hold []spot
	for _, point := range r.Curve {
		x := f.x(point.Time)
		equity = append(equity, spot{x, f.y(point.Equity.InexactFloat64())})
		hold = append(hold, spot{x, f.y(holding(&r, point.Close.Decimal()).InexactFloat64())})
	}
	level := []spot{{0, f.y(budget)}, {side, f.y(budget)}}
	return chart{Title: "Equity", Unit: p.Symbol.QuoteAsset, Values: f.valueLabels(""), Times: f.timeLabels(), Series: []series{
		{"line budget", "budget", line(level, false)},
		{"line hold", "buy and hold", line(hold, false)},
		{"line equity", "equity", line(equity, false)},
	}}
}

func drawdownChart(p Page) chart {
	r := p.Result
	deepest := 0.0
	for _, point := range r.Curve {
		deepest = max(deepest, point.Drawdown.InexactFloat64())
	}
	if deepest == 0 {
		deepest = 0.01
	}
	f := frame{from: r.From, to: max(r.To, r.From+1), low: -deepest * 105, high: 0}
	fall := []spot{{0, 0}}
	for _, point := range r.Curve {
		fall = append(fall, spot{f.x(point.Time), f.y(-100 * point.Drawdown.InexactFloat64())})
	}
	fall = append(fall, spot{fall[len(fall)-1].x, 0})
	return chart{Title: "Drawdown", Unit: "% below the highest worth before", Values: f.valueLabels(" %"), Times: f.timeLabels(), Series: []series{
		{"area drawdown", "", line(fall, true)},
	}}
}

// readout returns for each point what the page's script shows of it: its place from
// the left, and time, price, equity, buy and hold, and drawdown in words.
func readout(p Page) [][]any {
	r := p.Result
	f := frame{from: r.From, to: max(r.To, r.From+1)}
	rows := make([][]any, 0, len(r.Curve))
	for _, point := range r.Curve {
		price := point.Close.Decimal()
		at := max(point.Time, r.From)
		rows = append(rows, []any{f.x(at), clock(at), price.String(), amount(point.Equity), amount(holding(&r, price)), percent(point.Drawdown)})
	}
	return rows
}

// openRow is an open position in words.
type openRow struct{ Since, Quantity, Buy, Sell, Cost, Value, Profit string }

func openRows(open []backtest.OpenPosition) []openRow {
	rows := make([]openRow, len(open))
	for i, o := range open {
		rows[i] = openRow{clock(o.Since), o.Quantity.String(), o.BuyPrice.String(), "none", amount(o.Cost), amount(o.Value), amount(o.Profit)}
		if o.SellPrice != nil {
			rows[i].Sell = o.SellPrice.String()
		}
	}
	return rows
}

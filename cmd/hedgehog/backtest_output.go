package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/data/backtest"
	"hedgehog/data/backtest/report"
	"hedgehog/data/export"
	"hedgehog/exchange"
)

// outputs are the files that a backtest writes, empty for none.
type outputs struct{ orders, fills, html string }

func outputsOf(c *cli.Context) (outputs, error) {
	if c.Bool("json") && c.Bool("csv") {
		return outputs{}, wrongUsage(c, "--json and --csv: want one of the two")
	}
	out := outputs{orders: c.String("orders"), fills: c.String("fills"), html: c.String("html")}
	named := make(map[string]string)
	for _, f := range []struct{ flag, path string }{{"orders", out.orders}, {"fills", out.fills}, {"html", out.html}} {
		if c.IsSet(f.flag) && f.path == "" {
			return outputs{}, wrongUsage(c, "--%s %q: want a file", f.flag, "")
		}
		if other, twice := named[f.path]; twice && f.path != "" {
			return outputs{}, wrongUsage(c, "--%s and --%s: want two files, not %s for both", other, f.flag, f.path)
		}
		named[f.path] = f.flag
	}
	return out, nil
}

// write has run try the trial and writes the files; it leaves none of them when
// anything fails before the first is whole.
func (o outputs) write(t trial, run func(backtest.Config) (backtest.Result, error)) (result backtest.Result, err error) {
	err = toFile(o.orders, func(orders io.Writer) error {
		return toFile(o.fills, func(fills io.Writer) error {
			return toFile(o.html, func(page io.Writer) error {
				var marks report.Marks
				if o.orders != "" {
					t.config.Order = func(order exchange.Order) error { return report.OrderLine(orders, order) }
				}
				if o.fills != "" || o.html != "" {
					t.config.Fill = func(f exchange.Fill) error {
						if o.html != "" {
							marks.Add(f)
						}
						return report.FillLine(fills, f)
					}
				}
				if result, err = run(t.config); err != nil || o.html == "" {
					return err
				}
				return report.HTML(page, report.Page{Result: result, Symbol: t.config.Symbol, Marks: marks, Notes: t.notes()})
			})
		})
	})
	return result, err
}

// toFile has write fill the file at path, whole or not at all; without a path what
// it writes is thrown away.
func toFile(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(io.Discard)
	}
	return export.ToFile(path, true, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// notes says how the trial was made.
func (t trial) notes() []string {
	c := t.config
	notes := []string{
		"Settings: " + t.settingsSource + ".",
		fmt.Sprintf("Rules of %s: %s; tick %s, step %s.", c.Symbol.Name, t.rulesSource, c.Symbol.Filters.TickSize, c.Symbol.Filters.StepSize),
	}
	if t.agg {
		notes = append(notes, "The trades are aggregate trades: what one order took at one price counts as one.")
	}
	if c.PartialFills {
		notes = append(notes, "A fill is no larger than the trade that causes it.")
	}
	if c.Latency > 0 {
		notes = append(notes, fmt.Sprintf("An order reaches the exchange after %s.", c.Latency))
	}
	return notes
}

// printResult prints what came of the trial.
func (p *program) printResult(c *cli.Context, t trial, r backtest.Result) error {
	if c.Bool("csv") {
		return report.CSV(p.stdout, r)
	}
	return p.print(c, r, func(w io.Writer) { p.writeResult(w, t, r) })
}

func (p *program) writeResult(w io.Writer, t trial, r backtest.Result) {
	fmt.Fprintf(w, "%s from %s to %s\n\n", r.Symbol, p.when(r.From), p.when(r.To))
	_ = report.Plot(w, r.Curve, r.To) // the writer keeps its error for the end
	fmt.Fprintln(w)
	figures := func(all []report.Figure) {
		for _, f := range all {
			fmt.Fprintln(w, strings.TrimRight(strings.Join([]string{f.Name, f.Value, f.Share, f.Note}, "\t"), "\t"))
		}
		fmt.Fprintln(w)
	}
	figures(report.Figures(r, t.config.Symbol))
	figures(report.Settings(r, t.config.Symbol))
	for _, note := range t.notes() {
		fmt.Fprintln(w, note)
	}
	if len(r.Open) == 0 {
		return
	}
	quote := t.config.Symbol.QuoteAsset
	fmt.Fprintln(w)
	row(w, "OPEN SINCE", "HELD", "BOUGHT AT", "SELL AT", "COST", "WORTH", "PROFIT "+quote)
	for _, o := range r.Open {
		sell := "-"
		if o.SellPrice != nil {
			sell = o.SellPrice.String()
		}
		row(w, p.when(o.Since), o.Quantity, o.BuyPrice, sell, o.Cost.Round(exchange.UnitPlaces), o.Value.Round(exchange.UnitPlaces), o.Profit.Round(exchange.UnitPlaces))
	}
}

// oneLine writes joined errors as one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

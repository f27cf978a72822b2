package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// outcome is what optimize prints.
type outcome struct {
	Study  string `json:"study"`
	Symbol string `json:"symbol"`
	Trades int64  `json:"trades"`
	Kept   int    `json:"kept"`   // trials that had been made before
	Source string `json:"source"` // of the settings that were varied
	// Made counts, with --cluster, the trials that were made now by node; under no name
	// those of this command itself.
	Made map[string]int `json:"made,omitempty"`
	optimize.Report
}

// text returns a function that writes the best trials of each window for people.
func (o *outcome) text(p *program, top int) func(io.Writer) {
	return func(w io.Writer) {
		trials := 0
		for _, window := range o.Windows {
			trials += len(window.Trials)
		}
		fmt.Fprintf(w, "study %s: %d trials on %d trades of %s, %d of them made before\n", o.Study, trials, o.Trades, o.Symbol, o.Kept)
		fmt.Fprintf(w, "present settings, from %s: %s\n", o.Source, settingsText(optimize.Parameters(), &o.Base, "="))
		if o.Made != nil {
			fmt.Fprintf(w, "made now: %s\n", madeText(o.Made))
		}
		varied := o.Varied()
		for i := range o.Windows {
			p.writeWindow(w, o, i, varied, top)
		}
		o.writeSum(w)
		for _, warning := range o.Warnings {
			fmt.Fprintf(w, "warning: %s\n", warning)
		}
	}
}

// madeText says who made how many trials.
func madeText(made map[string]int) string {
	texts := []string{fmt.Sprintf("%d here", made[""])}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if name != "" {
			texts = append(texts, fmt.Sprintf("%d by %s", made[name], name))
		}
	}
	return strings.Join(texts, ", ")
}

// settingsText writes the named settings with what is between a name and its value.
func settingsText(names []string, s *naive.Settings, between string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name + between + optimize.Value(s, name).String()
	}
	return strings.Join(texts, " ")
}

// writeWindow writes the best trials of a window, and where the present settings stand.
func (p *program) writeWindow(w io.Writer, o *outcome, n int, varied []string, top int) {
	window := o.Windows[n]
	fmt.Fprintf(w, "\nwindow %d: in sample from %s, out of sample from %s to before %s\n", n+1,
		p.minute(window.From), p.minute(window.Split), p.minute(window.To))
	head := []any{"RANK"}
	for _, name := range varied {
		head = append(head, strings.ToUpper(strings.ReplaceAll(name, "_", " ")))
	}
	row(w, append(head, strings.ToUpper(strings.ReplaceAll(string(o.Objective), "_", " ")), "IN SAMPLE", "CYCLES", "DRAWDOWN", "OUT OF SAMPLE", "CYCLES", "DRAWDOWN")...)
	for i := range window.Trials {
		t := &window.Trials[i]
		present := t == window.Base
		if i >= top && !present {
			continue
		}
		cells := []any{i + 1}
		for _, name := range varied {
			cells = append(cells, optimize.Value(&t.Settings, name))
		}
		cells = append(cells, o.Objective.Score(&t.In), percent(t.In.ProfitShare), t.In.Cycles, percent(t.In.MaxDrawdownShare),
			percent(t.Out.ProfitShare), t.Out.Cycles, percent(t.Out.MaxDrawdownShare))
		if present {
			cells = append(cells, "present settings")
		}
		row(w, cells...)
	}
	if len(window.Trials) > 0 {
		t := &window.Trials[0]
		cells := []any{"-"}
		for range varied {
			cells = append(cells, "")
		}
		row(w, append(cells, "", percent(t.In.BuyAndHoldShare), "", "", percent(t.Out.BuyAndHoldShare), "", "", "buying and holding")...)
	}
}

// writeSum writes what all windows come to out of sample.
func (o *outcome) writeSum(w io.Writer) {
	best, base, hold := o.OutOfSample()
	fmt.Fprintf(w, "\nout of sample, of the budget: best settings %s, present ones %s, buying and holding %s", percent(best), percent(base), percent(hold))
	if len(o.Windows) > 1 {
		fmt.Fprintf(w, " (the sum of %d windows)", len(o.Windows))
	}
	fmt.Fprintln(w)
}

// minute returns a time for people, to the minute.
func (p *program) minute(t exchange.Micros) string {
	return t.Time().In(p.zone).Format("2006-01-02 15:04")
}

// percent writes a share for people.
func percent(share decimal.Decimal) string { return share.Shift(2).StringFixed(2) + " %" }

// writeTrialsCSV writes all trials, by window and rank, under one line of names.
func writeTrialsCSV(w io.Writer, r optimize.Report) error {
	out := csv.NewWriter(w)
	head := append([]string{"window", "rank"}, optimize.Parameters()...)
	head = append(head, "score")
	for _, part := range []string{"in_", "out_"} {
		for _, figure := range figuresOf(&optimize.Figures{}) {
			head = append(head, part+figure.name)
		}
	}
	lines := [][]string{head}
	for n, window := range r.Windows {
		for rank := range window.Trials {
			t := &window.Trials[rank]
			line := []string{strconv.Itoa(n + 1), strconv.Itoa(rank + 1)}
			for _, name := range optimize.Parameters() {
				line = append(line, optimize.Value(&t.Settings, name).String())
			}
			line = append(line, r.Objective.Score(&t.In).String())
			for _, part := range []*optimize.Figures{&t.In, &t.Out} {
				for _, figure := range figuresOf(part) {
					line = append(line, figure.value)
				}
			}
			lines = append(lines, line)
		}
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// figure is a figure's name and value in a table.
type figure struct{ name, value string }

func figuresOf(f *optimize.Figures) []figure {
	return []figure{
		{"trades", strconv.FormatInt(f.Trades, 10)}, {"cycles", strconv.Itoa(f.Cycles)}, {"refused", strconv.Itoa(f.Refused)},
		{"profit", f.Profit.String()}, {"profit_share", f.ProfitShare.String()}, {"realized", f.Realized.String()},
		{"fees", f.Fees.String()}, {"max_drawdown_share", f.MaxDrawdownShare.String()}, {"exposure", f.Exposure.String()},
		{"buy_and_hold_share", f.BuyAndHoldShare.String()},
	}
}

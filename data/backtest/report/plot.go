package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
)

const (
	plotWidth = 60 // characters
	plotLines = 4  // of each of the two plots
)

// Plot draws a run for a terminal: price and equity over the time until the last
// trade, each from its lowest to its highest value. It writes nothing without points.
func Plot(w io.Writer, points []backtest.Point, until exchange.Micros) error {
	if len(points) == 0 {
		return nil
	}
	drawn := []curve{
		{"price", columns(points, until, func(p backtest.Point) decimal.Decimal { return p.Close.Decimal() })},
		{"equity", columns(points, until, func(p backtest.Point) decimal.Decimal { return p.Equity })},
	}
	width := 0 // of the values at the left
	for _, c := range drawn {
		low, high := c.bounds()
		width = max(width, len(amount(low)), len(amount(high)))
	}
	for _, c := range drawn {
		for _, line := range c.area(width) {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// curve is what one of the plots draws: a value for each column.
type curve struct {
	name   string
	values []decimal.Decimal
}

func (c curve) bounds() (low, high decimal.Decimal) {
	return decimal.Min(c.values[0], c.values[1:]...), decimal.Max(c.values[0], c.values[1:]...)
}

// columns returns a value for each column: of the last point that began by its end,
// so that where there was no trade the one before goes on.
func columns(points []backtest.Point, until exchange.Micros, value func(backtest.Point) decimal.Decimal) []decimal.Decimal {
	first := points[0].Time
	span := max(1, until-first)
	all := make([]decimal.Decimal, plotWidth)
	i := 0
	for c := range all {
		end := first + exchange.Micros(float64(span)*float64(c+1)/plotWidth)
		for i+1 < len(points) && points[i+1].Time <= end {
			i++
		}
		all[c] = value(points[i])
	}
	return all
}

// blocks are columns of no to eight eighths of a line.
var blocks = []rune(" ▁▂▃▄▅▆▇█")

// area draws the values as an area, with the name and the bounds at the left.
func (c curve) area(width int) []string {
	low, high := c.bounds()
	const most = plotLines * 8
	levels := make([]int, len(c.values))
	for i, v := range c.values {
		levels[i] = most / 2
		if !high.Equal(low) {
			levels[i] = 1 + int(v.Sub(low).Mul(decimal.New(most-1, 0)).Div(high.Sub(low)).IntPart())
		}
	}
	labels := [plotLines]string{0: amount(high), plotLines - 1: amount(low)}
	names := [plotLines]string{0: c.name}
	lines := make([]string, plotLines)
	for row := range lines {
		var line strings.Builder
		for _, level := range levels {
			line.WriteRune(blocks[min(max(level-8*(plotLines-1-row), 0), 8)])
		}
		lines[row] = strings.TrimRight(fmt.Sprintf("%-6s  %*s  %s", names[row], width, labels[row], line.String()), " ")
	}
	return lines
}

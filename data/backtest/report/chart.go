package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// Charts are drawn on a square of this side, which the page stretches. Amounts become
// floats here and only here: a pixel is not money.
const side = 1000

// chart is a chart as the page's template draws it. Positions of labels are in percent.
type chart struct {
	Title  string
	Unit   string
	Series []series
	Values []label // on the left axis, from the top
	Times  []label // on the lower axis, from the left
}

// series is one path of a chart.
type series struct {
	Class string // line, band, area, buys or sells, and a colour
	Name  string // for the legend; empty leaves it out
	Path  string // of SVG
}

type label struct {
	At    string
	Text  string
	Minor bool // left out where there is little room
}

// frame says which time and value a chart's edges are at.
type frame struct {
	from, to  exchange.Micros
	low, high float64
}

// frameOf returns a frame with some room above and below the values.
func frameOf(from, to exchange.Micros, values ...float64) frame {
	f := frame{from: from, to: max(to, from+1), low: math.Inf(1), high: math.Inf(-1)}
	for _, v := range values {
		f.low, f.high = min(f.low, v), max(f.high, v)
	}
	room := (f.high - f.low) * 0.05
	if room == 0 {
		room = max(math.Abs(f.high)*0.01, 1e-9)
	}
	f.low -= room
	f.high += room
	return f
}

func (f frame) x(t exchange.Micros) float64 {
	return side * float64(min(max(t, f.from), f.to)-f.from) / float64(f.to-f.from)
}

func (f frame) y(v float64) float64 { return side * (f.high - v) / (f.high - f.low) }

// spot is a place on a chart's square.
type spot struct{ x, y float64 }

// line returns a path through the spots; closed it ends where it began.
func line(spots []spot, closed bool) string {
	var path strings.Builder
	for i, s := range spots {
		path.WriteByte("ML"[min(i, 1)])
		writeSpot(&path, s)
	}
	if closed {
		path.WriteByte('Z')
	}
	return path.String()
}

// dots returns a path of lines without length: with wide ends each is a dot, round
// or square, that keeps its form when the square is stretched.
func dots(spots []spot) string {
	var path strings.Builder
	for _, s := range spots {
		path.WriteByte('M')
		writeSpot(&path, s)
		path.WriteString("h0")
	}
	return path.String()
}

func writeSpot(path *strings.Builder, s spot) {
	path.WriteString(short(s.x))
	path.WriteByte(' ')
	path.WriteString(short(s.y))
}

// short writes a number with one decimal place, without one that is zero.
func short(v float64) string { return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") }

func percentOf(v float64) string { return short(v/side*100) + "%" }

// valueLabels returns labels at round values.
func (f frame) valueLabels(suffix string) []label {
	const about = 6
	rough := (f.high - f.low) / about
	exponent := int32(math.Floor(math.Log10(rough)))
	step := decimal.New(1, exponent)
	for _, factor := range []int64{1, 2, 5, 10} {
		if step = decimal.New(factor, exponent); step.InexactFloat64() >= rough {
			break
		}
	}
	var labels []label
	for n := int64(math.Ceil(f.low / step.InexactFloat64())); ; n++ {
		value := step.Mul(decimal.NewFromInt(n))
		if value.InexactFloat64() > f.high {
			return labels
		}
		labels = append(labels, label{At: percentOf(f.y(value.InexactFloat64())), Text: value.StringFixed(max(0, -exponent)) + suffix})
	}
}

// timeSteps are the distances between times on an axis. What is longer is in days.
var timeSteps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// timeLabels returns labels at round times, UTC.
func (f frame) timeLabels() []label {
	const about = 8
	rough := time.Duration(f.to-f.from) * time.Microsecond / about
	step, format := (rough/(24*time.Hour)+1)*24*time.Hour, "2 Jan 06"
	for _, s := range timeSteps {
		if s < rough {
			continue
		}
		step = s
		switch {
		case s < time.Second:
			format = "15:04:05.000"
		case s < time.Minute:
			format = "15:04:05"
		case f.to-f.from < exchange.Micros(24*time.Hour/time.Microsecond):
			format = "15:04"
		default:
			format = "2 Jan 15:04"
		}
		break
	}
	var labels []label
	every := exchange.Micros(step / time.Microsecond)
	for t := (f.from + every - 1) / every * every; t <= f.to; t += every {
		labels = append(labels, label{percentOf(f.x(t)), t.Time().Format(format), t/every%2 == 1})
	}
	return labels
}

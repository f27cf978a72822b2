package history

import (
	"fmt"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// intervals are the archive's names for the lengths of candles that Hedgehog has.
var intervals = map[int]string{1: "1m", 5: "5m", 15: "15m", 60: "1h", 240: "4h", 1440: "1d"}

// opened is when the exchange's history begins.
var opened = time.Date(2017, time.July, 1, 0, 0, 0, 0, time.UTC)

// monthlyDelay is how long after the end of a month its dump may not be there yet,
// while those of its days are. It comes on the first Monday.
const monthlyDelay = 14 * 24 * time.Hour

// remote is a dump in the archive.
type remote struct {
	name     string // XRPETH-trades-2019-10.zip
	path     string // below the archive's address
	from, to time.Time
	// days are the dumps that have the same together; they are tried where the dump
	// of a month is not there. None where that would be no use.
	days []remote
}

// length returns how many days the dump is of.
func (r remote) length() float64 { return r.to.Sub(r.from).Hours() / 24 }

// series is the dumps of one kind of one symbol.
type series struct {
	symbol  string
	kind    dump.Kind
	minutes int // of klines
}

func (s series) dump(period, layout string, from, to time.Time) remote {
	label := s.kind.String()
	dir := label + "/" + s.symbol
	if s.kind == dump.Klines {
		label = intervals[s.minutes]
		dir += "/" + label
	}
	name := fmt.Sprintf("%s-%s-%s.zip", s.symbol, label, from.Format(layout))
	return remote{name: name, path: fmt.Sprintf("data/spot/%s/%s/%s", period, dir, name), from: from, to: to}
}

func (s series) day(from time.Time) remote {
	return s.dump("daily", time.DateOnly, from, from.AddDate(0, 0, 1))
}

func (s series) month(from time.Time) remote {
	return s.dump("monthly", "2006-01", from, from.AddDate(0, 1, 0))
}

// plan returns the dumps that have what was traded from from to to, in order: the
// dump of a month for each that lies within whole, those of days for the rest. A
// day's dump exists from the next day on, so that the plan ends with yesterday.
func (s series) plan(from, to, now time.Time) []remote {
	at := midnight(from)
	if today := midnight(now); to.After(today) {
		to = today
	}
	var plan []remote
	for at.Before(to) {
		next := s.day(at)
		if month := s.month(at); at.Day() == 1 && !month.to.After(to) {
			next = month
			if now.Sub(month.to) < monthlyDelay {
				next.days = s.daysOf(month)
			}
		}
		plan = append(plan, next)
		at = next.to
	}
	return plan
}

func (s series) daysOf(month remote) []remote {
	var days []remote
	for at := month.from; at.Before(month.to); at = at.AddDate(0, 0, 1) {
		days = append(days, s.day(at))
	}
	return days
}

func midnight(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// validate returns what can't be right about the series.
func (s series) validate() error {
	switch {
	case !exchange.ValidSymbolName(s.symbol):
		return fmt.Errorf("config field Symbol %q: not a symbol's name", s.symbol)
	case s.kind > dump.Klines:
		return fmt.Errorf("config field Kind %d: want %s, %s or %s", s.kind, dump.Trades, dump.AggTrades, dump.Klines)
	case s.kind == dump.Klines && intervals[s.minutes] == "":
		return fmt.Errorf("config field Minutes %d: want 1, 5, 15, 60, 240 or 1440", s.minutes)
	default:
		return nil
	}
}

package report

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

// mostMarks bounds the marks of a chart: several for each column of a screen.
const mostMarks = 4000

// Marks collects the fills of a run for a chart. Each is a mark of its own until there
// are more than 4000; then a mark stands for all buys, or all sells, of a step of time,
// at their average price, and the step doubles as often as it has to. The zero value
// is empty.
type Marks struct {
	marks []mark
	fills int
	step  exchange.Micros // 0 while each fill has a mark of its own
}

type mark struct {
	time     exchange.Micros // of the fill, or the start of the step
	side     exchange.Side
	quantity decimal.Decimal
	worth    decimal.Decimal // Σ price × quantity
}

func (m *mark) price() decimal.Decimal { return m.worth.DivRound(m.quantity, 2*exchange.UnitPlaces) }

// Add adds a fill. Times must not fall.
func (m *Marks) Add(f exchange.Fill) {
	m.fills++
	m.put(mark{f.Time, f.Side, f.Quantity, f.Price.Mul(f.Quantity)})
	for len(m.marks) > mostMarks {
		m.step = max(2*m.step, 1_000_000)
		all := m.marks
		m.marks = all[:0] // never longer than what has been read of all
		for _, one := range all {
			m.put(one)
		}
	}
}

// put adds a mark, to that of the same side and step where there is one.
func (m *Marks) put(next mark) {
	if m.step > 0 {
		next.time -= next.time % m.step
		for i := len(m.marks) - 1; i >= 0 && m.marks[i].time == next.time; i-- {
			if have := &m.marks[i]; have.side == next.side {
				have.quantity, have.worth = have.quantity.Add(next.quantity), have.worth.Add(next.worth)
				return
			}
		}
	}
	m.marks = append(m.marks, next)
}

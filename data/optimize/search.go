package optimize

import (
	"math/rand/v2"

	"github.com/shopspring/decimal"
)

// tried is a choice of settings with its score.
type tried struct {
	choice int
	score  decimal.Decimal
}

// search decides what is tried in one window.
type search interface {
	// next returns choices that have not been tried, in order; none when the search
	// is over. so are all that next has returned before, with what came of them.
	next(so []tried) []int
}

// search returns the search of a window.
func (c Config) search() search {
	size, _ := space(c.Parameters).size() // Validate has found it in bounds
	n, _ := c.perWindow()
	switch draw := newLottery(size, c.Seed); c.Method {
	case Random:
		return &randomly{lottery: draw, trials: n}
	case TPE:
		return &parzen{space: c.Parameters, lottery: draw, trials: n}
	default:
		return everything(size)
	}
}

// everything tries all choices in their order.
type everything int

func (e everything) next(so []tried) []int {
	if len(so) > 0 {
		return nil
	}
	all := make([]int, e)
	for i := range all {
		all[i] = i
	}
	return all
}

// randomly tries some choices, drawn evenly.
type randomly struct {
	lottery *lottery
	trials  int
}

func (r *randomly) next(so []tried) []int {
	if len(so) > 0 {
		return nil
	}
	return r.lottery.drawMany(r.trials)
}

// lottery draws choices evenly, none twice.
type lottery struct {
	rng   *rand.Rand
	size  int
	drawn map[int]bool
}

func newLottery(size int, seed uint64) *lottery {
	return &lottery{rng: rand.New(rand.NewPCG(seed, 0)), size: size, drawn: make(map[int]bool)}
}

// take marks a choice as drawn; false when it was.
func (l *lottery) take(choice int) bool {
	if l.drawn[choice] {
		return false
	}
	l.drawn[choice] = true
	return true
}

// draw returns a choice that was not drawn; there is one.
func (l *lottery) draw() int {
	for {
		if choice := l.rng.IntN(l.size); l.take(choice) {
			return choice
		}
	}
}

func (l *lottery) drawMany(n int) []int {
	many := make([]int, n)
	for i := range many {
		many[i] = l.draw()
	}
	return many
}

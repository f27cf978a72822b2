package optimize

import (
	"cmp"
	"math"
	"slices"
)

const (
	// generation is how many choices are made from what is known. They are tried at
	// the same time, so it bounds the jobs that TPE keeps busy in a window; all later
	// ones profit from them.
	generation = 16
	// candidates is how many draws a choice is the best of.
	candidates = 24
	// goodShare is which share of what was tried counts as good: one in so many.
	goodShare = 5
	// mostGood bounds what counts as good.
	mostGood = 25
)

// parzen tries choices where good ones lie thicker than others. For each parameter by
// itself it estimates how thick they lie at each value: every choice tried spreads
// over the values next to its own, and a little is spread over all of them. Draws are
// made as the good ones lie; the best is the one whose values are most typical of good
// ones rather than of the others.
type parzen struct {
	space   space
	lottery *lottery
	trials  int
}

func (p *parzen) next(so []tried) []int {
	n := min(generation, p.trials-len(so))
	if n <= 0 {
		return nil
	}
	if len(so) == 0 {
		return p.lottery.drawMany(n)
	}
	good, others := p.estimate(so)
	choices := make([]int, n)
	for i := range choices {
		choices[i] = p.choose(good, others)
	}
	return choices
}

// choose returns the best of some draws, or an even draw when all of them were tried.
func (p *parzen) choose(good, others []density) int {
	best, most := -1, math.Inf(-1)
	place := make([]int, len(p.space))
	for range candidates {
		typical := 0.0
		for i := range p.space {
			place[i] = good[i].draw(p.lottery.rng.Float64())
			typical += math.Log(good[i][place[i]] / others[i][place[i]])
		}
		if choice := p.space.choice(place); typical > most && !p.lottery.drawn[choice] {
			best, most = choice, typical
		}
	}
	if best < 0 {
		return p.lottery.draw()
	}
	p.lottery.take(best)
	return best
}

// estimate returns for each parameter how thick the good choices lie, and how thick
// the others.
func (p *parzen) estimate(so []tried) (good, others []density) {
	ranked := slices.Clone(so)
	slices.SortFunc(ranked, func(a, b tried) int {
		return cmp.Or(b.score.Cmp(a.score), cmp.Compare(a.choice, b.choice))
	})
	best := min((len(ranked)+goodShare-1)/goodShare, mostGood)
	for i := range p.space {
		good = append(good, p.densityOf(i, ranked[:best]))
		others = append(others, p.densityOf(i, ranked[best:]))
	}
	return good, others
}

// density is the probability of each value of a parameter.
type density []float64

// densityOf estimates the density of a parameter's values among choices.
func (p *parzen) densityOf(parameter int, among []tried) density {
	values := len(p.space[parameter].Values)
	at := make([]float64, len(among))
	for i, t := range among {
		at[i] = float64(p.space.place(t.choice)[parameter])
	}
	d := make(density, values)
	for i := range d {
		d[i] = 1 / float64(values) // one choice's share for what is not known
	}
	width := spread(at, values)
	kernel := make([]float64, values)
	for _, center := range at {
		sum := 0.0
		for i := range kernel {
			z := (float64(i) - center) / width
			kernel[i] = math.Exp(-z * z / 2)
			sum += kernel[i]
		}
		for i := range d {
			d[i] += kernel[i] / sum
		}
	}
	for i := range d {
		d[i] /= float64(len(among) + 1)
	}
	return d
}

// spread returns how far a choice spreads: by Silverman's rule, but not so little
// that nothing between two values is ever looked at.
func spread(at []float64, values int) float64 {
	least := max(0.5, float64(values)/20)
	if len(at) < 2 {
		return max(least, float64(values)/5)
	}
	mean, squares := 0.0, 0.0
	for _, a := range at {
		mean += a / float64(len(at))
	}
	for _, a := range at {
		squares += (a - mean) * (a - mean) / float64(len(at)-1)
	}
	return max(least, 1.06*math.Sqrt(squares)*math.Pow(float64(len(at)), -0.2))
}

// draw returns the value at which the probabilities add up to the share.
func (d density) draw(share float64) int {
	for i, probability := range d {
		if share -= probability; share < 0 {
			return i
		}
	}
	return len(d) - 1 // the sum may be a rounding below 1
}

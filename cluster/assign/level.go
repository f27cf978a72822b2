package assign

import (
	"cmp"
	"slices"
)

// level moves symbols one by one as long as a move brings the members nearer to
// their shares, counted as what they have above the share rounded up or below it
// rounded down. Each move lessens that sum, so it comes to an end, and nothing
// moves between members that have their share.
//
// With symbols of weight 1 it ends with every member at its share. With heavier
// ones no member stays above its Bound: while one is, some other is below its
// share, and any symbol between the two lessens the sum.
func (p *plan) level() {
	for p.improve() {
	}
}

// improve makes one move, from the member that is the most above its share to
// the one that is the most below, as far as they have a symbol that fits. It
// returns false when no move is left that helps.
func (p *plan) improve() bool {
	if !slices.ContainsFunc(p.members, func(m *member) bool { return m.astray(0) > 0 }) {
		return false
	}
	givers, takers := slices.Clone(p.members), slices.Clone(p.members)
	slices.SortStableFunc(givers, func(a, b *member) int {
		return cmp.Compare(b.above(), a.above())
	})
	slices.SortStableFunc(takers, func(a, b *member) int {
		return cmp.Or(cmp.Compare(b.below(), a.below()), a.zone.compare(b.zone))
	})
	for _, from := range givers {
		for _, to := range takers {
			if i := pick(from, to); i >= 0 {
				to.take(from.give(i))
				return true
			}
		}
	}
	return false
}

// pick returns the index of the symbol whose move helps the most; among equals
// that with the highest score for to. It returns -1 when no move helps.
func pick(from, to *member) int {
	astray := from.astray(0) + to.astray(0)
	best, bestGain, bestScore := -1, 0, uint64(0)
	if from == to || astray == 0 {
		return best
	}
	for i, s := range from.symbols {
		if s.pinned {
			continue
		}
		gain := astray - from.astray(-s.weight) - to.astray(s.weight)
		if gain <= 0 || gain < bestGain {
			continue
		}
		if score := score(to, s); best < 0 || gain > bestGain || score > bestScore {
			best, bestGain, bestScore = i, gain, score
		}
	}
	return best
}

// astray returns how far the member is from its share when its load changes by
// change.
func (m *member) astray(change int) int {
	load := m.load + change
	return max(m.least-load, load-m.most, 0)
}

// above returns by how much the member is above its share.
func (m *member) above() int { return max(m.load-m.most, 0) }

// below returns by how much the member is below its share.
func (m *member) below() int { return max(m.least-m.load, 0) }

package assign

import (
	"cmp"
	"slices"
	"strings"
)

// plan is the state of one planning.
type plan struct {
	members []*member // that may get symbols, by name
	byName  map[string]*member
	symbols []*symbol // the heaviest first, then by name
	total   int       // weight of all symbols
	weight  int       // of all members
}

type member struct {
	name    string
	weight  int
	zone    *zone
	hash    uint64
	least   int // the share, rounded down
	most    int // and up
	load    int // weight of its symbols
	symbols []*symbol
}

type zone struct{ weight, load int }

type symbol struct {
	name   string
	weight int
	pin    string
	pinned bool // to a member that may get symbols
	hash   uint64
}

// newPlan returns the plan without any symbol placed: the members that may get
// symbols, with their shares, and the symbols.
func newPlan(members []Member, symbols []Symbol) *plan {
	p := &plan{byName: make(map[string]*member)}
	for _, s := range symbols {
		w := weight(s.Weight)
		p.symbols = append(p.symbols, &symbol{name: s.Name, pin: s.Pin, weight: w, hash: hash(s.Name)})
		p.total += w
	}
	members = slices.Clone(members)
	if slices.ContainsFunc(members, func(m Member) bool { return !m.Draining }) {
		members = slices.DeleteFunc(members, func(m Member) bool { return m.Draining })
	}
	zones := make(map[string]*zone)
	for _, m := range members {
		z := zones[m.Zone]
		if z == nil {
			z = new(zone)
			zones[m.Zone] = z
		}
		w := weight(m.Weight)
		z.weight += w
		p.weight += w
		p.members = append(p.members, &member{name: m.Name, weight: w, zone: z, hash: hash(m.Name)})
	}
	for _, m := range p.members {
		m.least = p.total * m.weight / p.weight
		m.most = (p.total*m.weight + p.weight - 1) / p.weight
		p.byName[m.name] = m
	}
	slices.SortFunc(p.members, func(a, b *member) int { return strings.Compare(a.name, b.name) })
	// The heaviest first: the light ones then fill what is left.
	slices.SortFunc(p.symbols, func(a, b *symbol) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.name, b.name))
	})
	return p
}

func weight(w int) int { return min(max(w, 1), MaxWeight) }

// keep puts each symbol on the member that it is pinned to or else runs on, and
// returns the symbols left over.
func (p *plan) keep(current map[string]string) (homeless []*symbol) {
	for _, s := range p.symbols {
		m := p.byName[s.pin]
		s.pinned = m != nil
		if m == nil {
			m = p.byName[current[s.name]]
		}
		if m == nil {
			homeless = append(homeless, s)
			continue
		}
		m.take(s)
	}
	return homeless
}

// place puts each symbol on a member with room: below its share rounded down, or
// else rounded up, or else where the symbol is too heavy to fit anywhere, with
// any of its share left.
func (p *plan) place(homeless []*symbol) {
	for _, s := range homeless {
		m := p.best(s, false, func(m *member) bool { return m.load+s.weight <= m.least })
		if m == nil {
			m = p.best(s, true, func(m *member) bool { return m.load+s.weight <= m.most })
		}
		if m == nil {
			// There is one: what is placed is less than all shares together.
			m = p.best(s, true, func(m *member) bool { return m.load < m.most })
		}
		m.take(s)
	}
}

// best returns the member with the symbol's highest score among those that fit,
// nil when there is none. If spread is set, the least loaded zone comes first.
func (p *plan) best(s *symbol, spread bool, fits func(*member) bool) *member {
	var best *member
	var bestScore uint64
	for _, m := range p.members {
		if !fits(m) {
			continue
		}
		score, order := score(m, s), 0
		if best != nil {
			if spread {
				order = m.zone.compare(best.zone)
			}
			order = cmp.Or(order, cmp.Compare(bestScore, score))
		}
		if best == nil || order < 0 {
			best, bestScore = m, score
		}
	}
	return best
}

// owners returns the plan's result.
func (p *plan) owners() map[string]string {
	owners := make(map[string]string, len(p.symbols))
	for _, m := range p.members {
		for _, s := range m.symbols {
			owners[s.name] = m.name
		}
	}
	return owners
}

func (m *member) take(s *symbol) {
	m.symbols = append(m.symbols, s)
	m.load += s.weight
	m.zone.load += s.weight
}

// give removes the symbol with index i.
func (m *member) give(i int) *symbol {
	s := m.symbols[i]
	m.symbols = slices.Delete(m.symbols, i, i+1)
	m.load -= s.weight
	m.zone.load -= s.weight
	return s
}

// compare orders zones by load for their weight.
func (z *zone) compare(other *zone) int {
	return cmp.Compare(z.load*other.weight, other.load*z.weight)
}

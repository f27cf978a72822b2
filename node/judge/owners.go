package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hedgehog/exchange"
)

// tenure is the time of an owner; the next one's beginning ends it.
type tenure struct {
	epoch uint64
	node  string // empty: nobody's
	run   int64
	from  exchange.Micros
}

// Assigned tells of a committed assignment: from at on, run run of node owns the
// symbol under epoch; nobody when node is empty. Where several nodes say when
// they heard of the same one, the earliest time counts. Within the microsecond of
// a change both owners may be heard by the exchange.
func (j *Judge) Assigned(at exchange.Micros, symbol, node string, run int64, epoch uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	m := j.markets[symbol]
	if m == nil {
		return // nothing of it is traded
	}
	t := tenure{epoch: epoch, node: node, run: run, from: at}
	i, known := slices.BinarySearchFunc(m.tenures, epoch, func(t tenure, epoch uint64) int { return cmp.Compare(t.epoch, epoch) })
	if !known {
		if j.cfg.Blur == 0 && i < len(m.tenures) {
			j.breachAt(at, Epochs, symbol, "epoch %d of %q came after epoch %d", epoch, node, m.tenures[len(m.tenures)-1].epoch)
		}
		m.tenures = slices.Insert(m.tenures, i, t)
		return
	}
	if before := &m.tenures[i]; before.node != node || before.run != run {
		j.breachAt(at, Epochs, symbol, "epoch %d names run %d of %q and run %d of %q", epoch, before.run, before.node, run, node)
	} else {
		before.from = min(before.from, at)
	}
}

// owned says whether node owned the symbol at a time, as far as can be told.
func (m *market) owned(node string, at, blur exchange.Micros) bool {
	for i := len(m.tenures) - 1; i >= 0; i-- {
		t := m.tenures[i]
		ended := i+1 < len(m.tenures) && at > m.tenures[i+1].from+blur
		if t.node == node && at >= t.from-blur && !ended {
			return true
		}
	}
	return false
}

// owner is who owned the symbol last; empty for nobody.
func (m *market) owner() string {
	if len(m.tenures) == 0 {
		return ""
	}
	return m.tenures[len(m.tenures)-1].node
}

// describeOwners lists the latest owners.
func (m *market) describeOwners() string {
	const latest = 4
	var text []string
	for _, t := range m.tenures[max(0, len(m.tenures)-latest):] {
		text = append(text, fmt.Sprintf("%q from %s (epoch %d)", t.node, t.from.Time().Format("15:04:05.000000"), t.epoch))
	}
	if len(text) == 0 {
		return "nobody ever"
	}
	return strings.Join(text, ", ")
}

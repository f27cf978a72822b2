package judge

import (
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is the model of what is under one key: fields that are written and
// read. Its state is a map[string]string of the fields that are known so far.
var register = porcupine.Model{
	Init:  func() any { return map[string]string{} },
	Equal: func(a, b any) bool { return maps.Equal(a.(map[string]string), b.(map[string]string)) },
	Step: func(state, input, _ any) (bool, any) {
		before, c := state.(map[string]string), input.(call)
		for field, shown := range c.read {
			value, known := c.Write[field]
			if !known {
				value, known = before[field]
			}
			if known && value != shown {
				return false, nil
			}
		}
		after := maps.Clone(before)
		maps.Copy(after, c.Write)
		maps.Copy(after, c.read)
		return true, after
	},
}

// judgeCalls says whether one order explains the calls, and where none does, for
// which part of them already: a field alone takes far less time than all together.
func judgeCalls(calls []call, deadline time.Time) (porcupine.CheckResult, []call) {
	names := fieldsOf(calls)
	parts := make([][]call, 0, len(names)+1)
	for _, field := range names {
		parts = append(parts, only(calls, field))
	}
	if len(names) > 1 {
		parts = append(parts, calls)
	}
	result := porcupine.Ok
	for _, part := range parts {
		part = relevant(part)
		switch checkCalls(part, deadline) {
		case porcupine.Illegal:
			return porcupine.Illegal, part
		case porcupine.Unknown:
			result = porcupine.Unknown
		}
	}
	return result, calls
}

// checkCalls says whether one order explains the calls; unknown when that is not
// clear by the deadline.
func checkCalls(calls []call, deadline time.Time) porcupine.CheckResult {
	left := time.Until(deadline)
	if left <= 0 {
		return porcupine.Unknown
	}
	operations := make([]porcupine.Operation, 0, len(calls))
	for _, c := range calls {
		invoked := c.invoked
		if c.Behind {
			invoked = 0
		}
		operations = append(operations, porcupine.Operation{Input: c, Call: invoked, Return: c.returned})
	}
	return porcupine.CheckOperationsTimeout(register, operations, left)
}

// relevant returns the calls without the writes of unknown outcome that nobody
// shows anything of: there is an order with them, namely at its end, if there is
// one without, and the other way round.
func relevant(calls []call) []call {
	seen := shownBy(calls)
	return slices.DeleteFunc(slices.Clone(calls), func(c call) bool {
		return c.returned == open && !seen.any(c)
	})
}

// shorten returns a part of the calls, which have no order, that has none either,
// as small as the deadline allows. Were there an order of the calls, there would be
// one of each part that is tried: of what had happened up to some step, and of all
// but a read or a write that nobody shows.
func shorten(calls []call, deadline time.Time) []call {
	illegal := func(part []call) bool { return checkCalls(part, deadline) == porcupine.Illegal }
	calls = relevant(upTo(calls, func(part []call) bool { return illegal(relevant(part)) }))
	// Reads first, or they would hold the writes that they show; and from the oldest
	// on, since what comes last explains best.
	for _, writes := range []bool{false, true} {
		for i := 0; i < len(calls); {
			part := slices.Delete(slices.Clone(calls), i, i+1)
			if writes == (calls[i].Write != nil) && !shownBy(part).any(calls[i]) && illegal(part) {
				calls = part
			} else {
				i++
			}
		}
	}
	return calls
}

// upTo returns the calls as they were at the earliest step at which they have no
// order: those not yet returned are open.
func upTo(calls []call, illegal func([]call) bool) []call {
	at := func(step int64) []call {
		var part []call
		for _, c := range calls {
			if c.returned > step {
				c.returned, c.read, c.to = open, nil, 0
			}
			if c.invoked <= step && (c.Write != nil || c.returned != open) {
				part = append(part, c)
			}
		}
		return part
	}
	var steps []int64
	for _, c := range calls {
		if c.returned != open {
			steps = append(steps, c.returned)
		}
	}
	slices.Sort(steps)
	i, _ := slices.BinarySearchFunc(steps, true, func(step int64, _ bool) int {
		if illegal(at(step)) {
			return 1
		}
		return -1
	})
	if i == len(steps) {
		return calls // the deadline has come
	}
	return at(steps[i])
}

// fieldsOf returns the fields that the calls speak of, sorted.
func fieldsOf(calls []call) []string {
	names := make(map[string]bool)
	for _, c := range calls {
		for name := range c.Write {
			names[name] = true
		}
		for name := range c.read {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// only returns the calls that speak of the field, and what they say of it.
func only(calls []call, field string) []call {
	var part []call
	for _, c := range calls {
		value, writes := c.Write[field]
		shown, reads := c.read[field]
		if !writes && !reads {
			continue
		}
		c.Write, c.read = nil, nil
		if writes {
			c.Write = map[string]string{field: value}
		}
		if reads {
			c.read = map[string]string{field: shown}
		}
		part = append(part, c)
	}
	return part
}

// shown are the values that answers show, by field.
type shown map[string]map[string]bool

func shownBy(calls []call) shown {
	s := make(shown)
	for _, c := range calls {
		for field, value := range c.read {
			if s[field] == nil {
				s[field] = make(map[string]bool)
			}
			s[field][value] = true
		}
	}
	return s
}

// any says whether something that c has written is shown.
func (s shown) any(c call) bool {
	for field, value := range c.Write {
		if s[field][value] {
			return true
		}
	}
	return false
}

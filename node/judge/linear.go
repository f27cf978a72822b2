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

// shorten returns a part of the calls that still has no order, as small as the
// deadline allows. Each step keeps this true: were there an order of all calls,
// there would be one of the part.
func shorten(calls []call, deadline time.Time) []call {
	illegal := func(part []call) bool { return checkCalls(part, deadline) == porcupine.Illegal }
	calls = upTo(calls, illegal)
	for _, field := range fieldsOf(calls) {
		if part := only(calls, field); illegal(part) {
			calls = part
			break
		}
	}
	for i := len(calls) - 1; i >= 0; i-- {
		if part := slices.Delete(slices.Clone(calls), i, i+1); !seen(calls[i], part) && illegal(part) {
			calls = part
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

// seen says whether one of the calls shows a value that c has written: without c
// that could not be explained. What nobody shows can be left out of any order.
func seen(c call, by []call) bool {
	for _, other := range by {
		for field, value := range c.Write {
			if shown, reads := other.read[field]; reads && shown == value {
				return true
			}
		}
	}
	return false
}

package dump

import (
	"encoding/binary"
	"math/bits"

	"hedgehog/exchange"
)

// The functions here read a field at b[i] and return where it ends, or -1 where it
// is not what they read; what stands behind the field is for the caller to see. b
// has a '\n' somewhere behind i, and pad bytes behind that.

const (
	unit = 100_000_000 // 10^exchange.UnitPlaces
	// mostWhole is the largest whole part of an amount, whatever stands behind it.
	mostWhole = (1<<63-1)/unit - 1
)

// eight reads eight digits at once; ok is false when one of the bytes is none. All
// fields of a dump are as long as on the line before or nearly so: the branches that
// find a field's end are foreseen, and the arithmetic of several fields overlaps.
func eight(b []byte, i int) (v int64, ok bool) {
	u := binary.LittleEndian.Uint64(b[i:])
	return joined(u), others(u) == 0
}

// some reads the digits up to the first byte that is none, and returns how many there
// are, without a branch for it. Of eight and more it only says that there are eight.
func some(b []byte, i int) (v int64, n int) {
	u := binary.LittleEndian.Uint64(b[i:])
	n = bits.TrailingZeros64(others(u)) / 8
	return joined(u << (64 - 8*n)), n
}

// others returns bits in those of eight bytes that are no digits.
func others(u uint64) uint64 {
	// A digit's upper half is 3, and still is when 6 has been added to it.
	return ((u ^ textZeros) | ((u + 0x0606060606060606) ^ textZeros)) & 0xf0f0f0f0f0f0f0f0
}

// joined returns the number that eight digits are. A byte of zero is the digit 0.
func joined(u uint64) int64 {
	// Digits are joined to pairs, these to fours, and these to all eight.
	u &= 0x0f0f0f0f0f0f0f0f
	u = u * (10<<8 + 1) >> 8 & 0x00ff00ff00ff00ff
	u = u * (100<<16 + 1) >> 16 & 0x0000ffff0000ffff
	return int64(u * (10000<<32 + 1) >> 32)
}

func digit(c byte) bool { return c-'0' <= 9 }

// whole reads a whole number of at most 18 digits, which fits an int64.
func whole(b []byte, i int) (v int64, end int) {
	start := i
	for digit(b[i]) && i-start < 16 {
		next, ok := eight(b, i)
		if !ok {
			break
		}
		v = v*unit + next
		i += 8
	}
	for ; digit(b[i]); i++ {
		if i-start == 18 {
			return 0, -1
		}
		v = v*10 + int64(b[i]-'0')
	}
	if i == start {
		return 0, -1
	}
	return v, i
}

// amount reads a plain decimal as exchange.ParseUnits does.
func amount(b []byte, i int) (u exchange.Units, end int) {
	v, n := int64(b[i]-'0'), 1
	if b[i+1] != '.' || !digit(b[i]) {
		v, n = some(b, i)
	}
	switch n {
	case 0:
		return 0, -1
	case 8:
		if v, i = whole(b, i); i < 0 || v > mostWhole {
			return 0, -1
		}
	default:
		i += n
	}
	v *= unit
	if b[i] != '.' {
		return exchange.Units(v), i
	}
	i++
	if binary.LittleEndian.Uint64(b[i:]) == textZeros && !digit(b[i+8]) {
		return exchange.Units(v), i + 8 // of a symbol with a step of one on every line
	}
	if fraction, ok := eight(b, i); ok {
		for i += 8; b[i] == '0'; i++ {
		}
		if digit(b[i]) {
			return 0, -1
		}
		return exchange.Units(v + fraction), i
	}
	scale := int64(unit)
	start := i
	for ; digit(b[i]); i++ {
		scale /= 10
		v += scale * int64(b[i]-'0')
	}
	if i == start {
		return 0, -1
	}
	return exchange.Units(v), i
}

// number passes over a plain decimal of any size.
func number(b []byte, i int) (end int) {
	start := i
	for digit(b[i]) {
		i++
	}
	if i > start && b[i] == '.' {
		i++
		start = i
		if _, ok := eight(b, i); ok {
			i += 8
		}
		for digit(b[i]) {
			i++
		}
	}
	if i == start {
		return -1
	}
	return i
}

// age is how a time begins: its first eight digits, which are those of the line before
// for a hundred seconds.
type age struct {
	text  uint64
	value int64 // 0: there was no line before
}

// moment reads a time and tells milliseconds from microseconds by their 13 and 16
// digits, which they have from 2001 to 2286.
func (a *age) moment(b []byte, i int) (t exchange.Micros, end int) {
	if u := binary.LittleEndian.Uint64(b[i:]); u != a.text || a.value == 0 {
		first, ok := eight(b, i)
		if !ok || b[i] == '0' {
			return 0, -1
		}
		*a = age{u, first}
	}
	first := a.value
	if end = i + 13; !digit(b[end]) {
		if last, ok := eight(b, end-8); ok {
			return exchange.Micros(first*100_000+int64(uint64(last)%100_000)) * 1000, end
		}
	}
	end = i + 16
	if last, ok := eight(b, end-8); ok && !digit(b[end]) {
		return exchange.Micros(first*unit + last), end
	}
	return 0, -1
}

// flag reads True or False.
func flag(b []byte, i int) (value bool, end int) {
	// Which of the two it is nobody can foresee, so that there is no branch for it.
	u := binary.LittleEndian.Uint64(b[i:])
	t, f := u&(1<<32-1)^textTrue, u&(1<<40-1)^textFalse
	end = i + len("False")
	if t == 0 {
		end = i + len("True")
	}
	if min(t, f) == 0 {
		return t == 0, end
	}
	return otherFlag(b, i)
}

const (
	textTrue  = 'T' | 'r'<<8 | 'u'<<16 | 'e'<<24
	textFalse = 'F' | 'a'<<8 | 'l'<<16 | 's'<<24 | 'e'<<32
	textLast  = ',' | textTrue<<8 | '\n'<<40 // how lines end but for very old ones
	textZeros = 0x3030303030303030
)

// otherFlag reads what other tools write for True and False.
func otherFlag(b []byte, i int) (value bool, end int) {
	switch string(b[i : i+4]) {
	case "true", "TRUE":
		return true, i + 4
	}
	switch string(b[i : i+5]) {
	case "false", "FALSE":
		return false, i + 5
	}
	return false, -1
}

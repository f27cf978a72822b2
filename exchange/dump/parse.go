package dump

import (
	"encoding/binary"

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

// eight reads eight digits at once; ok is false when one of the bytes is none.
func eight(b []byte, i int) (v int64, ok bool) {
	u := binary.LittleEndian.Uint64(b[i:])
	// A digit's upper half is 3, and still is when 6 has been added to it.
	if u&0xf0f0f0f0f0f0f0f0|(u+0x0606060606060606)&0xf0f0f0f0f0f0f0f0>>4 != 0x3333333333333333 {
		return 0, false
	}
	u = u & 0x0f0f0f0f0f0f0f0f * (10<<8 + 1) >> 8
	u = u & 0x00ff00ff00ff00ff * (100<<16 + 1) >> 16
	u = u & 0x0000ffff0000ffff * (10000<<32 + 1) >> 32
	return int64(u), true
}

// whole reads a whole number of at most 18 digits, which fits an int64.
func whole(b []byte, i int) (v int64, end int) {
	start := i
	for n, ok := eight(b, i); ok && i-start < 16; n, ok = eight(b, i) {
		v = v*unit + n
		i += 8
	}
	for c := b[i] - '0'; c <= 9; c = b[i] - '0' {
		if i-start >= 18 {
			return 0, -1
		}
		v = v*10 + int64(c)
		i++
	}
	if i == start {
		return 0, -1
	}
	return v, i
}

// amount reads a plain decimal as exchange.ParseUnits does.
func amount(b []byte, i int) (u exchange.Units, end int) {
	start := i
	var v int64
	for c := b[i] - '0'; c <= 9; c = b[i] - '0' {
		if v = v*10 + int64(c); v > mostWhole {
			return 0, -1
		}
		i++
	}
	if i == start {
		return 0, -1
	}
	if b[i] != '.' {
		return exchange.Units(v * unit), i
	}
	i++
	fraction, all := eight(b, i)
	if all {
		i += 8
		for b[i] == '0' {
			i++
		}
		if b[i]-'0' <= 9 {
			return 0, -1
		}
	} else {
		scale := int64(unit)
		for start = i; b[i]-'0' <= 9; i++ {
			fraction = fraction*10 + int64(b[i]-'0')
			scale /= 10
		}
		if i == start {
			return 0, -1
		}
		fraction *= scale
	}
	return exchange.Units(v*unit + fraction), i
}

// number passes over a plain decimal of any size.
func number(b []byte, i int) (end int) {
	start := i
	for b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	if b[i] != '.' {
		return i
	}
	i++
	start = i
	for _, ok := eight(b, i); ok; _, ok = eight(b, i) {
		i += 8
	}
	for b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// moment reads a time and tells milliseconds from microseconds by their 13 and 16
// digits, which they have from 2001 to 2286.
func moment(b []byte, i int) (t exchange.Micros, end int) {
	n, end := whole(b, i)
	switch {
	case n >= 1e12 && n < 1e13:
		return exchange.MicrosOfMillis(n), end
	case n >= 1e15 && n < 1e16:
		return exchange.Micros(n), end
	default:
		return 0, -1
	}
}

// flag reads True or False.
func flag(b []byte, i int) (value bool, end int) {
	switch string(b[i : i+4]) {
	case "True", "true", "TRUE":
		return true, i + 4
	case "Fals", "fals", "FALS":
		if e := b[i+4]; e == 'e' && b[i+3] == 's' || e == 'E' && b[i+3] == 'S' {
			return false, i + 5
		}
	}
	return false, -1
}

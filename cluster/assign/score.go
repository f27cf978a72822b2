package assign

import "hash/fnv"

// hash returns a number for a member's or symbol's name, the same on every node.
func hash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return mix(h.Sum64())
}

// score says how much the symbol belongs to the member: as good as random over
// all pairs, and the same every time. Weights have no part in it, as they count
// in the shares.
func score(m *member, s *symbol) uint64 { return mix(m.hash ^ s.hash) }

// mix spreads every bit of x over all others; it is the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

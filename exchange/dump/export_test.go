package dump

import (
	"iter"

	"hedgehog/exchange"
)

// SmallestSection is a size of sections that a dump of a test has many of.
const SmallestSection = maxLine + 64

// BatchesOf is Batches with sections of up to size bytes.
func (r *Reader) BatchesOf(size int) iter.Seq2[[]exchange.Tick, error] { return r.batches(size) }

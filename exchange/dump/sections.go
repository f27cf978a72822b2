package dump

import (
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"

	"hedgehog/exchange"
)

const (
	// sectionSize is how many bytes a section has at most: so few that it stays in the
	// cache of the core that reads it, and so many that handing it over does not count.
	sectionSize = 128 << 10
	// sectionsAhead is how many sections there are beside the one that each core works
	// on.
	sectionsAhead = 4
)

// Batches returns the trades of the dump, or its aggregate trades, as NextTick would
// read them, in batches of one at least. It is called on a new Reader, in place of the
// other methods that read; Share goes on with the loop over the batches.
//
// The file is cut into sections at the ends of lines. These are read beside each other
// on all cores, by goroutines that end with the loop, and handed out in order. A batch
// is valid until the next one, and an error is the last one's. Whatever the size of the
// file, the sections take some two megabytes on four cores.
func (r *Reader) Batches() iter.Seq2[[]exchange.Tick, error] { return r.batches(sectionSize) }

// batches cuts sections of up to size bytes, which is to be above maxLine by some.
func (r *Reader) batches(size int) iter.Seq2[[]exchange.Tick, error] {
	return func(yield func([]exchange.Tick, error) bool) {
		if r.name.Kind == Klines {
			yield(nil, r.begin(Trades))
			return
		}
		s := r.startSections(runtime.GOMAXPROCS(0), size)
		defer s.stop()
		for sec := range s.inOrder {
			<-sec.read
			ticks, err := r.join(sec)
			if len(ticks) > 0 && !yield(ticks, nil) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			s.free <- sec
		}
	}
}

// section is a part of a dump that begins and ends with a line.
type section struct {
	buf   []byte // as of a source
	whole int    // where the last line ends
	first bool   // of the dump
	err   error  // why the dump can't be read on; there is no line in this section then

	// What a goroutine has made of it by itself when read has been sent to.
	read    chan struct{}
	ticks   []exchange.Tick
	lines   int
	columns int
	bad     bool // there is something in it that has to be told or passed over
}

// sections are a dump's sections on their way.
type sections struct {
	free    chan *section // to be filled
	unread  chan *section // to be read by whoever comes first
	inOrder chan *section // all of them that have been filled
	ended   chan struct{} // nobody takes sections any more
	all     sync.WaitGroup
}

// startSections cuts the source of r, and has each core read the sections.
func (r *Reader) startSections(cores, size int) *sections {
	n := cores + sectionsAhead
	s := &sections{
		free: make(chan *section, n), unread: make(chan *section, n), inOrder: make(chan *section, n),
		ended: make(chan struct{}),
	}
	for range n {
		s.free <- &section{buf: newBuffer(size), read: make(chan struct{}, 1)}
	}
	src := r.source
	src.r = fullReader{src.r}
	s.all.Go(func() { s.cut(src) })
	for range cores {
		own := &Reader{file: r.file, name: r.name}
		s.all.Go(func() {
			for sec := range s.unread {
				own.readAlone(sec)
				sec.read <- struct{}{}
			}
		})
	}
	return s
}

// stop ends the goroutines and waits for that.
func (s *sections) stop() {
	close(s.ended)
	s.all.Wait()
}

// cut fills sections from the source up to its end.
func (s *sections) cut(src source) {
	defer close(s.inOrder)
	defer close(s.unread)
	for first := true; ; first = false {
		var sec *section
		select {
		case <-s.ended:
			return
		case sec = <-s.free:
		}
		if sec.err = src.fillInto(sec.buf); sec.err == io.EOF {
			return
		}
		sec.first, sec.whole = first, src.whole
		// There is room for all sections: nothing waits here.
		s.unread <- sec
		s.inOrder <- sec
		if sec.err != nil {
			return
		}
	}
}

// fullReader reads as much as there is room for. A zip gives little at once.
type fullReader struct{ io.Reader }

func (f fullReader) Read(p []byte) (n int, err error) {
	n, err = io.ReadFull(f.Reader, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// readAlone reads the section without knowing what is before it.
func (r *Reader) readAlone(sec *section) {
	r.line, r.columns, r.lastID, r.lastTime = 0, 0, 0, 0
	if !sec.first {
		r.line = 1 // no line of it names the columns
	}
	before := r.line
	sec.bad = r.readSection(sec) != io.EOF
	sec.lines, sec.columns = r.line-before, r.columns
}

// readSection reads the section's trades up to its end, which is io.EOF.
func (r *Reader) readSection(sec *section) error {
	r.source = source{buf: sec.buf, whole: sec.whole, end: sec.whole, err: io.EOF}
	sec.ticks = sec.ticks[:0]
	read := r.ReadTicks
	if r.name.Kind == AggTrades {
		read = r.readAggTicks
	}
	for {
		n := len(sec.ticks)
		sec.ticks = slices.Grow(sec.ticks, 1)
		more, err := read(sec.ticks[n:cap(sec.ticks)])
		sec.ticks = sec.ticks[:n+more]
		if err != nil {
			return err
		}
	}
}

// readAggTicks is ReadTicks for dumps of aggregate trades.
func (r *Reader) readAggTicks(into []exchange.Tick) (n int, err error) {
	for n < len(into) {
		agg, err := r.NextAggTrade()
		if err != nil {
			return n, err
		}
		into[n] = agg.Tick
		n++
	}
	return n, nil
}

// join takes a section behind those before it and returns its trades, and what comes
// behind them: nil for the next section. Where the section is not as it should be, by
// itself or after those before, it is read again, so that the error is that of a Reader
// that reads alone.
func (r *Reader) join(sec *section) ([]exchange.Tick, error) {
	if sec.err != nil {
		return nil, r.unread(sec.err)
	}
	taken := r.taken + int64(sec.whole)
	defer func() { r.source = source{taken: taken, err: io.EOF} }()
	n := len(sec.ticks)
	if sec.bad || n > 0 && (r.columns != 0 && sec.columns != r.columns || sec.ticks[0].ID <= r.lastID || sec.ticks[0].Time < r.lastTime) {
		if err := r.readSection(sec); err != io.EOF {
			return sec.ticks, err
		}
		return sec.ticks, nil
	}
	r.line += sec.lines
	if n > 0 {
		r.columns, r.lastID, r.lastTime = sec.columns, sec.ticks[n-1].ID, sec.ticks[n-1].Time
	}
	return sec.ticks, nil
}

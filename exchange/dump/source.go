package dump

import (
	"bytes"
	"io"
)

const (
	// chunk is how many bytes are read at once: enough that the calls do not count.
	chunk = 256 << 10
	// maxLine is the longest line taken, in bytes. A real one has up to 150.
	maxLine = 4096
	// pad is how far behind a line's end the parser may look.
	pad = 16
)

// source holds the part of a file that is being read. Lines from at to whole are
// there in full, each with its '\n'.
type source struct {
	r              io.Reader
	buf            []byte
	at, whole, end int
	taken          int64 // bytes of r that are before buf
	err            error // of r; io.EOF after the last byte
}

func newSource(r io.Reader) source { return source{r: r, buf: newBuffer(chunk)} }

// newBuffer returns a buffer of a source, to read so many bytes into.
func newBuffer(size int) []byte { return make([]byte, size+1+pad) }

// fill reads until a whole line is there, after those that were have been taken.
// A last line without an end gets one. A line longer than maxLine loses its middle,
// and is still longer than that.
func (s *source) fill() error { return s.fillInto(s.buf) }

// fillInto is fill that goes on in another buffer. The one before stays as it is.
func (s *source) fillInto(buf []byte) error {
	s.taken += int64(s.whole)
	s.end = copy(buf, s.buf[s.whole:s.end])
	s.buf, s.at, s.whole = buf, 0, 0
	for s.whole == 0 {
		switch {
		case s.err == io.EOF && s.end > 0:
			s.buf[s.end] = '\n'
			s.end++
			s.whole = s.end
			return nil
		case s.err != nil:
			return s.err
		}
		s.end = min(s.end, maxLine+3) // with an end of two bytes that is still too long
		var n int
		n, s.err = s.r.Read(s.buf[s.end : len(s.buf)-1-pad])
		if n > 0 {
			if last := bytes.LastIndexByte(s.buf[s.end:s.end+n], '\n'); last >= 0 {
				s.whole = s.end + last + 1
			}
			s.end += n
		}
	}
	return nil
}

// skip passes over the line at at and returns it without its end. It is valid until
// the next fill.
func (s *source) skip() []byte {
	line := s.buf[s.at : s.at+bytes.IndexByte(s.buf[s.at:s.whole], '\n')]
	s.at += len(line) + 1
	return bytes.TrimSuffix(line, []byte{'\r'})
}

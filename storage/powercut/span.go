package powercut

import (
	"math"
	"os"
)

// span is a part of a file: from an offset up to another, nothing when they are
// the same.
type span struct{ from, to int64 }

// all that follows in the file is in a span up to here.
const end = math.MaxInt64

// add makes s as large as it takes to have other in it. What lies between them
// comes with it: SQLite appends to its log, and writes all over the database only
// when it empties that.
func (s *span) add(other span) {
	switch {
	case other.from == other.to:
	case s.from == s.to:
		*s = other
	default:
		s.from, s.to = min(s.from, other.from), max(s.to, other.to)
	}
}

// read returns what the file at path has in s, and the size of the file.
func (s span) read(path string) (content []byte, size int64, err error) {
	if s.from == s.to {
		return nil, end, nil
	}
	// Closing the file drops the locks that SQLite holds on it for other processes.
	// There are none: a database of package storage belongs to one.
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size = info.Size()
	content = make([]byte, max(0, min(s.to, size)-s.from))
	_, err = f.ReadAt(content, s.from)
	return content, size, err
}

// put returns the file that was of old before s was read from it.
func (s span) put(old, content []byte, size int64) []byte {
	was := int64(len(old))
	// A file that has grown beyond s has done so after s was taken.
	is := min(size, max(was, s.to))
	if is > was {
		old = append(old, make([]byte, is-was)...)
	}
	copy(old[min(s.from, is):], content)
	return old[:is]
}

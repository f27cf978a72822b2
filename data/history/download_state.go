package history

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ChecksumError is returned when a file differs from its checksum each time that it
// is fetched.
type ChecksumError struct{ Name string }

// Error names the file.
func (e *ChecksumError) Error() string {
	return e.Name + ": is not what its checksum says, fetched twice"
}

// IncompleteError is returned when all was brought but what it names.
type IncompleteError struct {
	Absent   []string   // dumps that are not in the archive
	Damaged  []string   // dumps that differ from their checksums
	Rejected []error    // why dumps could not be imported whole
	Left     *LeftError // trades that the exchange does not have; nil: none
}

func (e *IncompleteError) empty() bool {
	return len(e.Absent) == 0 && len(e.Damaged) == 0 && len(e.Rejected) == 0 && e.Left == nil
}

// Error tells all of it, a line for each kind.
func (e *IncompleteError) Error() string {
	var lines []string
	if len(e.Absent) > 0 {
		lines = append(lines, fmt.Sprintf("not in the archive (%d): %s", len(e.Absent), strings.Join(e.Absent, ", ")))
	}
	if len(e.Damaged) > 0 {
		lines = append(lines, fmt.Sprintf("not what their checksums say, fetched twice (%d): %s", len(e.Damaged), strings.Join(e.Damaged, ", ")))
	}
	for _, err := range e.Rejected {
		lines = append(lines, err.Error())
	}
	if e.Left != nil {
		lines = append(lines, e.Left.Error())
	}
	return strings.Join(lines, "\n")
}

// DownloadProgress tells how far a download has come.
type DownloadProgress struct {
	Files   int     // that make up the period
	Done    int     // of them: imported, or found not to be there
	Fetched int     // dumps that came over the network
	Bytes   int64   // that did
	Share   float64 // of the period that is done, 0 to 1
	// Importing is the name of the dump that is being imported; empty: none.
	Importing string
	// Waiting says why nothing is asked for at the moment; empty: something is.
	Waiting string
	// Recent is about the trades that come from the exchange itself.
	Recent FillProgress
}

// downloadState is what fetching and importing tell of themselves, for Progress and
// for the end.
type downloadState struct {
	mu       sync.Mutex
	progress DownloadProgress
	days     float64 // of the period
	daysDone float64
	onTheWay map[string]portion // by the dump's name
	absent   []remote
	damaged  []string
	refused  []error
}

// portion is how much of a dump there is.
type portion struct {
	days        float64
	have, whole int64 // bytes
}

// Progress returns how far the download has come. It may be called at any time.
func (d *Downloader) Progress() DownloadProgress {
	p := d.state.snapshot()
	if d.recent != nil {
		p.Recent = d.recent.Progress()
	}
	return p
}

func (s *downloadState) snapshot() DownloadProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, days := s.progress, s.daysDone
	for _, part := range s.onTheWay {
		days += part.days * float64(part.have) / float64(part.whole)
	}
	if s.days > 0 {
		p.Share = min(1, days/s.days)
	}
	return p
}

func (s *downloadState) begin(plan []remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = DownloadProgress{Files: len(plan)}
	s.days, s.daysDone, s.onTheWay = 0, 0, make(map[string]portion)
	s.absent, s.damaged, s.refused = nil, nil, nil
	for _, f := range plan {
		s.days += f.length()
	}
}

// split says that the dumps of a month's days stand in for the month's.
func (s *downloadState) split(f remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Files += len(f.days) - 1
}

// started says that at bytes of a dump are there, of whole.
func (s *downloadState) started(f remote, at, whole int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onTheWay[f.name] = portion{days: f.length(), have: at, whole: max(whole, 1)}
}

func (s *downloadState) came(f remote, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Bytes += n
	if part, known := s.onTheWay[f.name]; known {
		part.have += n
		s.onTheWay[f.name] = part
	}
}

func (s *downloadState) fetched() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Fetched++
}

func (s *downloadState) waits(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Waiting = why
}

func (s *downloadState) importing(f remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.Importing = f.name
}

func (s *downloadState) done(f remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(f)
}

func (s *downloadState) lacks(f remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent = append(s.absent, f)
	s.end(f)
}

func (s *downloadState) spoilt(f remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = append(s.damaged, f.name)
	s.end(f)
}

func (s *downloadState) rejected(f remote, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, err)
	s.end(f)
}

// end is called with mu held.
func (s *downloadState) end(f remote) {
	delete(s.onTheWay, f.name)
	s.progress.Done++
	s.daysDone += f.length()
	if s.progress.Importing == f.name {
		s.progress.Importing = ""
	}
}

// lacking returns what is absent, oldest first, and an error with all else that is
// not as it should be.
func (s *downloadState) lacking() ([]remote, *IncompleteError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.absent, func(a, b remote) int { return a.from.Compare(b.from) })
	slices.Sort(s.damaged)
	return s.absent, &IncompleteError{Damaged: s.damaged, Rejected: s.refused}
}

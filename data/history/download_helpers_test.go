package history_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/data/history"
	"hedgehog/exchange"
)

// noon is the tests' present: what is older than its day is in the archive.
var noon = time.Date(2026, time.February, 18, 12, 0, 0, 0, time.UTC)

// archive is the exchange's archive, reached without a network, so that tests can
// move time.
type archive struct {
	files     map[string][]byte // by path
	answer    http.Handler      // instead of the files, where it is set
	transport *http.Transport

	mu       sync.Mutex
	requests []*request
	open     int // being answered
	mostOpen int
}

type request struct {
	path, span, agent string
	status            int
	at                time.Time
}

// newArchive returns an archive with the dumps of XRPETH's trades that are named by
// their dates.
func newArchive(t testing.TB, dates ...string) *archive {
	t.Helper()
	a := &archive{files: make(map[string][]byte)}
	for _, date := range dates {
		a.put(t, date, 40)
	}
	conns := make(chan net.Conn)
	server := httptest.NewUnstartedServer(a)
	server.Listener.Close()
	server.Listener = pipes{conns, t.Context()}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a handler that breaks off is meant to
	server.Start()
	a.transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		a.transport.CloseIdleConnections()
		server.CloseClientConnections()
	})
	return a
}

// pipes is the listener of connections within the process.
type pipes struct {
	conns chan net.Conn
	ctx   context.Context
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "archive", Net: "pipe"} }

// path returns where the archive has the dump of a date.
func path(date string) string {
	period := "daily"
	if len(date) == len("2006-01") {
		period = "monthly"
	}
	return fmt.Sprintf("/data/spot/%s/trades/XRPETH/%s", period, name(date))
}

func name(date string) string { return "XRPETH-trades-" + date + ".zip" }

// put adds the dump of a date, with so many lines, and its checksum.
func (a *archive) put(t testing.TB, date string, lines int) {
	t.Helper()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	// Stored, so that the size follows the lines.
	file, err := w.CreateHeader(&zip.FileHeader{Name: strings.TrimSuffix(name(date), "zip") + "csv", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("2006-01-02", date[:7]+cmp.Or(date[7:], "-01"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		id := at.Unix()/100 + int64(i)
		fmt.Fprintf(file, "%d,0.00141342,23.00000000,0.03250866,%d,True,True\n", id, at.UnixMicro()+int64(i))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.files[path(date)] = packed.Bytes()
	a.files[path(date)+".CHECKSUM"] = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(packed.Bytes()), name(date))
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.open++
	a.mostOpen = max(a.mostOpen, a.open)
	seen := &request{path: r.URL.Path, span: r.Header.Get("Range"), agent: r.UserAgent(), at: time.Now()}
	a.requests = append(a.requests, seen)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.open--
	}()
	w = &recorder{w, a, seen}
	if a.answer != nil {
		a.answer.ServeHTTP(w, r)
		return
	}
	a.serveFile(w, r)
}

func (a *archive) serveFile(w http.ResponseWriter, r *http.Request) {
	content, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// times answers the first requests that are not for checksums with the handlers, one
// each, and serves files afterwards.
func (a *archive) times(first ...http.HandlerFunc) {
	a.answer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		serve := a.serveFile
		if len(first) > 0 && !strings.HasSuffix(r.URL.Path, ".CHECKSUM") {
			serve, first = first[0], first[1:]
		}
		a.mu.Unlock()
		serve(w, r)
	})
}

// all returns the requests so far.
func (a *archive) all() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []request
	for _, r := range a.requests {
		all = append(all, *r)
	}
	return all
}

// forget forgets the requests so far.
func (a *archive) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = nil
}

// busiest returns how many requests were answered at once.
func (a *archive) busiest() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mostOpen
}

// asked returns the requests for the dump of a date.
func (a *archive) asked(date string) []request {
	return slices.DeleteFunc(a.all(), func(r request) bool { return r.path != path(date) })
}

// recorder writes down the answer's status before the client can see it.
type recorder struct {
	http.ResponseWriter
	archive *archive
	request *request
}

func (r *recorder) WriteHeader(status int) {
	r.archive.mu.Lock()
	r.request.status = status
	r.archive.mu.Unlock()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.request.status == 0 { // written by this goroutine alone
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// half answers with the first half of the file and breaks off.
func (a *archive) half(w http.ResponseWriter, r *http.Request) {
	content := a.files[r.URL.Path]
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:len(content)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// sink keeps the dumps that were imported.
type sink struct {
	mu     sync.Mutex
	dumps  map[string][]byte // by name
	failed error             // what importing fails with
	bad    string            // the name of a dump that can't be imported
}

func newSink() *sink { return &sink{dumps: make(map[string][]byte)} }

func (s *sink) Imported(_ context.Context, name string, sum [sha256.Size]byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, known := s.dumps[name]
	return known && sha256.Sum256(content) == sum, nil
}

func (s *sink) Import(ctx context.Context, path string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path + ".CHECKSUM"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if filepath.Base(path) == s.bad {
		return errors.New(s.bad + " is no dump")
	}
	s.dumps[filepath.Base(path)] = content
	return nil
}

// has checks which dumps were imported, by their dates.
func (s *sink) has(t testing.TB, dates ...string) {
	t.Helper()
	var want []string
	for _, date := range dates {
		want = append(want, name(date))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := slices.Sorted(maps.Keys(s.dumps)); !slices.Equal(got, want) {
		t.Errorf("imported %v, want %v", got, want)
	}
}

func micros(t testing.TB, date string) exchange.Micros {
	t.Helper()
	at, err := time.Parse(time.DateOnly, date)
	if err != nil {
		at, err = time.Parse(time.RFC3339, date)
	}
	if err != nil {
		t.Fatal(err)
	}
	return exchange.MicrosOf(at)
}

// download returns the configuration for XRPETH's trades of a period, at noon.
func (a *archive) download(t testing.TB, from, to string) history.DownloadConfig {
	t.Helper()
	cfg := history.DefaultDownload()
	cfg.Symbol, cfg.From, cfg.To = "XRPETH", micros(t, from), micros(t, to)
	cfg.BaseURL, cfg.Transport, cfg.Dir = "http://archive.test", a.transport, t.TempDir()
	cfg.Now = func() time.Time { return noon }
	return cfg
}

func mustDownloader(t testing.TB, cfg history.DownloadConfig, into history.Sink) *history.Downloader {
	t.Helper()
	d, err := history.NewDownloader(cfg, into, &market{}, newShelf())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// empty checks that nothing is left in the directory.
func empty(t testing.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%s has %v, %v; want nothing", dir, left, err)
	}
}

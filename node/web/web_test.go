package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"hedgehog/node/web"
)

// page is a page as the build leaves it.
func page() fs.FS {
	return fstest.MapFS{
		"index.html":           {Data: []byte("<!doctype html><title>page</title>" + strings.Repeat("<p>much to compress</p>", 200))},
		"icon.svg":             {Data: []byte("<svg/>")},
		"assets/index-1234.js": {Data: []byte(strings.Repeat("console.log(1);", 200))},
	}
}

// serve answers a request as a node would that has the page on its mux.
func serve(t testing.TB, files fs.FS, path string, header ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	for _, pattern := range web.Patterns() {
		mux.Handle(pattern, web.Handler(files))
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAssetsMayBeKeptForGoodAndThePageNot(t *testing.T) {
	for path, want := range map[string]string{
		"/":                     "no-cache",
		"/icon.svg":             "no-cache",
		"/assets/index-1234.js": "public, max-age=31536000, immutable",
		"/assets/missing.js":    "",
	} {
		if got := serve(t, page(), path).Header.Get("Cache-Control"); got != want {
			t.Errorf("Cache-Control of %s is %q, want %q", path, got, want)
		}
	}
}

func TestThePageIsNotSentAgainWhereItIsTheSame(t *testing.T) {
	first := serve(t, page(), "/")
	if tag := first.Header.Get("ETag"); tag == "" || first.StatusCode != http.StatusOK {
		t.Fatalf("status %d, ETag %q", first.StatusCode, tag)
	}
	if again := serve(t, page(), "/", "If-None-Match", first.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
	other := page().(fstest.MapFS)
	other["index.html"] = &fstest.MapFile{Data: []byte("another build")}
	if again := serve(t, other, "/", "If-None-Match", first.Header.Get("ETag")); again.StatusCode != http.StatusOK {
		t.Errorf("status %d for another build, want 200", again.StatusCode)
	}
}

func TestThePageIsCompressedForThoseWhoTakeThat(t *testing.T) {
	plain := body(t, serve(t, page(), "/"))
	r := serve(t, page(), "/", "Accept-Encoding", "gzip, br")
	if got := r.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip", got)
	}
	unzipped, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil || string(text) != plain {
		t.Errorf("compressed it is %d bytes, %v, want the %d that it is plain", len(text), err, len(plain))
	}
}

func TestThePageMayLoadNothingFromElsewhere(t *testing.T) {
	for _, files := range []fs.FS{page(), nil} {
		header := serve(t, files, "/").Header
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "frame-ancestors 'self'", "object-src 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("policy %q lacks %q", policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("headers %v", header)
		}
	}
}

func TestDirectoriesAndWhatIsNotThereAreNotFound(t *testing.T) {
	for _, path := range []string{"/assets/", "/assets/none.js", "/index.htm", "/dist/.keep"} {
		if r := serve(t, page(), path); r.StatusCode != http.StatusNotFound {
			t.Errorf("status %d of %s, want 404", r.StatusCode, path)
		}
	}
}

func TestABinaryWithoutThePageSaysHowToGetIt(t *testing.T) {
	r := serve(t, nil, "/")
	if text := body(t, r); r.StatusCode != http.StatusOK || !strings.Contains(text, "make page build") {
		t.Errorf("status %d, text %q", r.StatusCode, text)
	}
	if kind := r.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", kind)
	}
	for _, path := range []string{"/icon.svg", "/assets/x.js"} {
		if r := serve(t, nil, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("status %d of %s, want 404", r.StatusCode, path)
		}
	}
}

// limit is how much of the page may cross the network, compressed.
const limit = 200_000

func TestThePageIsSmall(t *testing.T) {
	files := web.Built()
	if files == nil {
		t.Skip("this binary has no page in it: make page")
	}
	total := 0
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		var small bytes.Buffer
		w := gzip.NewWriter(&small) // no harder than the handler does
		_, _ = w.Write(text)
		_ = w.Close()
		t.Logf("%s: %d bytes, %d compressed", path, len(text), small.Len())
		total += small.Len()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > limit {
		t.Errorf("the page is %d bytes compressed, want at most %d", total, limit)
	}
}

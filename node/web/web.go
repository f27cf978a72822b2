package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// The sources are built into dist/page, which is not committed; dist/.keep is, since the
// directory has to be there.
//
//go:embed all:dist
var dist embed.FS

//go:embed missing.html
var missing []byte

// index is the page itself; all the rest is loaded by it.
const index = "index.html"

// Built returns the files of the page that this binary has in it, nil where it was built
// without.
func Built() fs.FS {
	files, err := fs.Sub(dist, "dist/page")
	if err != nil {
		return nil // cannot be: the name is a good one
	}
	if _, err := fs.Stat(files, index); err != nil {
		return nil
	}
	return files
}

// headers keep the page from loading anything from elsewhere, and other sites' pages
// from showing it in theirs.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'self'",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// Patterns are the addresses that Handler answers, as http.ServeMux knows them.
func Patterns() []string {
	return []string{"GET /{$}", "GET /assets/", "GET /icon.svg"}
}

// Handler serves the files of a page, or with nil the page that says that there is none.
// Files under assets have a hash of what they hold in their names and may be kept for
// good; the others are asked for anew each time.
func Handler(files fs.FS) http.Handler {
	pages := http.FileServerFS(files)
	tag := tagOf(files)
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if files == nil && r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		if files == nil {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(missing) // the caller may be gone
			return
		}
		if strings.HasSuffix(r.URL.Path, "/") && r.URL.Path != "/" {
			http.NotFound(w, r) // and no list of a directory
			return
		}
		if strings.HasPrefix(r.URL.Path, "/assets/") {
			if _, err := fs.Stat(files, r.URL.Path[1:]); err == nil {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
		} else {
			w.Header().Set("Cache-Control", "no-cache")
			w.Header().Set("ETag", tag)
		}
		pages.ServeHTTP(w, r)
	})
	return gzhttp.GzipHandler(serve)
}

// tagOf returns an entity tag that changes with the page: it names all assets by their
// hashes.
func tagOf(files fs.FS) string {
	if files == nil {
		return ""
	}
	page, err := fs.ReadFile(files, index)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	sum := sha256.Sum256(page)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

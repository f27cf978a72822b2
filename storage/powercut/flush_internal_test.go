package powercut

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// Of a flush only the parts of a file are read that were written. It has to come to
// the same as reading all of it.
func TestAFlushTakesTheFileAsItWasWhenItBegan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "database")
	rapid.Check(t, func(t *rapid.T) {
		if err := os.WriteFile(path, []byte("before it is watched"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		const handle = 1
		d := &Disk{files: make(map[string]*file), open: make(map[uintptr]opened)}
		known, err := d.opening(path)
		if err != nil {
			t.Fatal(err)
		}
		d.open[handle] = opened{path: path, file: known}

		content := func() []byte {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return content
		}
		offset := rapid.Int64Range(0, 300)
		write := func(t *rapid.T) {
			data, at := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "data"), offset.Draw(t, "offset")
			if rapid.Bool().Draw(t, "failing") {
				d.wrote(handle, span{at, at + int64(len(data))})
				data = data[:len(data)/2]
			}
			if _, err := f.WriteAt(data, at); err != nil {
				t.Fatal(err)
			}
			d.wrote(handle, span{at, at + int64(len(data))})
		}
		want := content()
		t.Repeat(map[string]func(*rapid.T){
			"write": write,
			"truncate": func(t *rapid.T) {
				size := offset.Draw(t, "size")
				if err := f.Truncate(size); err != nil {
					t.Fatal(err)
				}
				d.wrote(handle, span{size, end})
			},
			"flush": func(t *rapid.T) {
				code := rapid.SampledFrom([]int32{ok, ioError}).Draw(t, "code")
				begun := content()
				got := d.flush(handle, func() int32 {
					if rapid.Bool().Draw(t, "writing on") {
						write(t)
					}
					return code
				})
				if got != code {
					t.Fatalf("flush returns %d, sync has returned %d", got, code)
				}
				if code == ok {
					want = begun
				}
			},
			"": func(t *rapid.T) {
				if !bytes.Equal(known.flushed, want) {
					t.Fatalf("flushed is %q, want %q", known.flushed, want)
				}
			},
		})
	})
}

package storage

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"
)

// The lines alone, without the database below: it has its own fuzzers.
func FuzzSnapshotLines(f *testing.F) {
	const head = `{"format":"hedgehog state","version":1,"index":9,"term":1}` + "\n"
	f.Add([]byte(head+`["watermarks","A",1]`+"\n"), true)
	f.Add([]byte(head+`["cluster_symbols","A",1,1,"n1"]`+"\n"+`{"sha256":""}`+"\n"), false)
	f.Add([]byte(`{"format":"hedgehog state","version":3}`+"\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		if sign { // so that what is behind the checksum is reached too
			data = fmt.Appendf(data, "{\"sha256\":\"%x\"}\n", sha256.Sum256(data))
		}
		lines := snapshotLines{from: bufio.NewReaderSize(bytes.NewReader(data), maxRow), sum: sha256.New()}
		_, err := lines.head()
		for err == nil {
			var line []byte
			if line, err = lines.row(); err != nil {
				break
			}
			values, parseErr := parseRow(line)
			if parseErr != nil {
				continue
			}
			for _, v := range values {
				switch v.(type) {
				case string, int64:
				default:
					t.Errorf("row %q has a %T", line, v)
				}
			}
		}
		if err != io.EOF && !errors.Is(err, ErrCorruptSnapshot) && !errors.Is(err, ErrNewerPeer) {
			t.Errorf("an error of no known kind: %v", err)
		}
	})
}

package storage_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/storage"
)

// crashDatabase names the database that the child process of the test below
// writes to until it is killed.
const crashDatabase = "HEDGEHOG_TEST_CRASH_DATABASE"

func TestAKilledProcessLosesNothingThatItWrote(t *testing.T) {
	if path := os.Getenv(crashDatabase); path != "" {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "hedgehog.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), crashDatabase+"="+path)
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var last int64
	lines := bufio.NewScanner(output)
	for last < 200 && lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "written %d", &last); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
	}
	_, err = storage.Open(t.Context(), path)
	if !errors.Is(err, storage.ErrLocked) || !strings.Contains(fmt.Sprint(err), fmt.Sprint("process ", child.Process.Pid)) {
		t.Errorf("open while the child writes: %v, want ErrLocked with its process id", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it still said before it died counts as well
		fmt.Sscanf(lines.Text(), "written %d", &last)
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}

	db := mustOpen(t, path)
	stats, err := db.TradeStats(t.Context(), "A")
	if err != nil || stats.FirstID != 1 || stats.LastID < last || stats.Missing != 0 {
		t.Errorf("after writing 1 to %d: %+v, %v", last, stats, err)
	}
}

func writeUntilKilled(t *testing.T, path string) {
	db := mustOpen(t, path)
	for id := int64(1); ; id++ {
		mustWrite(t, db, storage.Batch{Trades: trades(id)})
		fmt.Printf("written %d\n", id)
	}
}

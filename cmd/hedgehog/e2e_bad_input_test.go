package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// checkTold expects the last of the lines, and no other, to tell people of a
// failure, with the words. Lines before it are of the log and tell of none.
func checkTold(t testing.TB, lines []string, words ...string) {
	t.Helper()
	if len(lines) == 0 {
		t.Fatal("nothing was told")
	}
	for _, line := range lines[:len(lines)-1] {
		var logged struct{ Level string }
		if err := json.Unmarshal([]byte(line), &logged); err != nil || logged.Level == "ERROR" {
			t.Errorf("told %q before the last line", line)
		}
	}
	told, ours := strings.CutPrefix(lines[len(lines)-1], "hedgehog: ")
	if !ours {
		t.Errorf("the last line is %q", told)
	}
	for _, word := range words {
		if !strings.Contains(told, word) {
			t.Errorf("told %q, want it to have %q", told, word)
		}
	}
}

func TestADaemonThatCannotWorkEndsWithOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"node's port in use", []string{"node", "--data-dir", filepath.Join(dir, "a"), "--http", taken.Addr().String()}, 1, []string{taken.Addr().String(), "in use", "--http"}},
		{"exchange's port in use", []string{"exchange", "--listen", taken.Addr().String()}, 1, []string{taken.Addr().String(), "in use", "--listen"}},
		{"node's data directory below a file", []string{"node", "--data-dir", filepath.Join(file, "b"), "--http", "127.0.0.1:0"}, 1, []string{file, "--data-dir"}},
		{"exchange's data directory below a file", []string{"exchange", "--data-dir", filepath.Join(file, "c"), "--listen", "127.0.0.1:0"}, 1, []string{file}},
		{"unknown exchange", []string{"node", "--data-dir", filepath.Join(dir, "d"), "--exchange", "nasdaq", "--http", "127.0.0.1:0"}, 2, []string{`"nasdaq"`, "binance-testnet"}},
		{"unknown symbol", []string{"exchange", "--symbols", "XRPNOPE", "--listen", "127.0.0.1:0"}, 2, []string{"XRPNOPE"}},
		{"no such dump", []string{"exchange", "--replay", filepath.Join(dir, "XRPETH-none.csv"), "--listen", "127.0.0.1:0"}, 1, []string{"XRPETH-none.csv"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := run(t, test.args...)
			if o.code != test.code || o.stdout != "" {
				t.Errorf("exit code %d, printed %q, want code %d and nothing", o.code, o.stdout, test.code)
			}
			checkTold(t, strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"), test.want...)
		})
	}
}

func TestADatabaseOfANewerVersionIsLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	n := launch(t, "node", "--data-dir", dir, "--http", "127.0.0.1:0")
	n.await("exchange info read")
	n.end(syscall.SIGTERM)

	path := filepath.Join(dir, "hedgehog.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := run(t, "node", "--data-dir", dir, "--http", "127.0.0.1:0")
	if o.code != 1 {
		t.Errorf("exit code %d, want 1", o.code)
	}
	checkTold(t, strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"), path, "newer version")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the database was changed (%v)", err)
	}
}

func TestCommandsThatANodeCannotFollowEndWithOneLine(t *testing.T) {
	n := launch(t, "node", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0")
	url := n.await("node started")["http"].(string)
	must(t, "status", "--node", url, "--wait", "20s")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"trade start NOPEUSDT", 1, "NOPEUSDT"},
		{"stream start NOPEUSDT", 1, "NOPEUSDT"},
		{"candles NOPEUSDT", 1, "NOPEUSDT"},
		{"trade settings XRPETH --budget -1", 1, "budget"},
		{"trade settings XRPETH --chunks 0", 1, "chunks"},
	} {
		t.Run(test.args, func(t *testing.T) {
			o := run(t, append(strings.Fields(test.args), "--node", url)...)
			if o.code != test.code || o.stdout != "" {
				t.Errorf("exit code %d, printed %q, want code %d and nothing", o.code, o.stdout, test.code)
			}
			checkTold(t, strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"), test.want)
		})
	}
	n.end(syscall.SIGTERM)
	o := run(t, "status", "--node", url)
	if o.code != 3 {
		t.Errorf("exit code %d without a node, want 3", o.code)
	}
	checkTold(t, strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"), url)
}

func TestABadLineOfADumpEndsTheExchangeUnlessItIsToBePassedOver(t *testing.T) {
	const trades = "1,0.00141342,30,0.04240260,1570752000000,False,True\n" +
		"2,0.00141350,forty,0.05654000,1570752001000,True,True\n" +
		"3,0.00141300,50,0.07065000,1570752002000,True,True\n"
	dump := filepath.Join(t.TempDir(), "XRPETH-trades-2019-10-13.csv")
	if err := os.WriteFile(dump, []byte(trades), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--listen", "127.0.0.1:0", "--replay", dump, "--speed", "max", "--start", "now"}

	strict := launch(t, append([]string{"exchange"}, args...)...)
	if code := strict.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	checkTold(t, strict.lines(), dump, "line 2", `"forty"`, "--skip-bad")

	lenient := launchExchange(t, append(args, "--skip-bad")...)
	if lines := lenient.await("dump lines passed over")["lines"]; lines != 1.0 {
		t.Errorf("%v lines passed over, want 1", lines)
	}
	if n := lenient.await("replay ended")["trades"]; n != 2.0 {
		t.Errorf("%v trades, want 2", n)
	}
	lenient.end(syscall.SIGTERM)
}

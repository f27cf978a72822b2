package main

import (
	"strings"
	"testing"
)

func TestRecoverExplainsFirstAndThenDoesIt(t *testing.T) {
	dir := t.TempDir()
	n := start(t, "node", "--name", "n1", "--data-dir", dir, "--http", "127.0.0.1:0", "--sim-symbols", "XRPUSDT")
	at := n.await("node started")["http"].(string)
	mustHedgehog(t, "status", "--wait", "20s", "--node", at)
	if r := hedgehog(t.Context(), "cluster", "assign", "xrp*", "--wait", "--node", at); r.code != exitOK {
		t.Fatalf("assign: %s", r.stderr)
	}
	r := hedgehog(t.Context(), "cluster", "recover", "--data-dir", dir, "--name", "n1", "--yes")
	if r.code != exitFailure || !strings.Contains(r.stderr, "database is in use") {
		t.Errorf("recover while the node runs: exit code %d, tells %q", r.code, r.stderr)
	}
	if code := n.ended(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}

	said := mustHedgehog(t, "cluster", "recover", "--data-dir", dir, "--name", "n1")
	for _, want := range []string{"node     n1\n", "beside it: no others\n", "symbols  1 assigned\n", "Nothing is changed yet.", "--yes"} {
		if !strings.Contains(said, want) {
			t.Errorf("says %q, want %q in it", said, want)
		}
	}
	var done recovery
	mustDecode(t, mustHedgehog(t, "cluster", "recover", "--data-dir", dir, "--name", "n1", "--yes", "--json"), &done)
	if !done.Recovered || done.Node != "n1" || done.Symbols != 1 || done.Index == 0 {
		t.Errorf("recovered %+v", done)
	}
}

func TestRecoverNamesAStrangersDirectory(t *testing.T) {
	dir := t.TempDir()
	r := hedgehog(t.Context(), "cluster", "recover", "--data-dir", dir, "--name", "n1", "--yes")
	if want := "hedgehog: recover from " + dir + ": no cluster can be rebuilt from this data directory: "; r.code != exitFailure || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("exit code %d, tells %q, want %q", r.code, r.stderr, want)
	}
}

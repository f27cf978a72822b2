package main

import (
	"net"
	"os"
	"strings"
	"testing"
)

func TestNodesWithTheSecretFormAClusterAndOthersDoNot(t *testing.T) {
	secret := t.TempDir() + "/secret"
	mustHedgehog(t, "cluster", "keygen", "--out", secret)
	bind := neighbours(t)
	first := start(t, "node", "--name", "n1", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--bind", bind, "--secret-file", secret, "--profile", "local", "--zone", "east")
	at := first.await("node started")["http"].(string)
	start(t, "node", "--name", "n2", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--join", bind, "--secret-file", secret, "--profile", "local")
	if joined := first.await("member joined"); joined["address"] == bind {
		t.Fatalf("the next to join is %v", joined)
	}
	stranger := hedgehog(t.Context(), "node", "--name", "n3", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0", "--join", bind, "--profile", "local")
	if stranger.code != exitFailure || !strings.HasSuffix(stranger.stderr, "the node there has another secret\n") {
		t.Errorf("a node without the secret: exit code %d, tells %q", stranger.code, stranger.stderr)
	}
	nodes := mustHedgehog(t, "cluster", "nodes", "--node", at)
	if !strings.Contains(nodes, "n1") || !strings.Contains(nodes, "n2") || strings.Contains(nodes, "n3") || !strings.Contains(nodes, "east") {
		t.Errorf("the cluster's nodes:\n%s", nodes)
	}
}

// neighbours returns an address of this machine where nobody listens, nor at the
// next port up.
func neighbours(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := freeAddress(t)
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		addr.Port++
		if l, err := net.ListenTCP("tcp", addr); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no two neighbouring ports are free")
	return ""
}

func TestABadSecretIsRefusedAndNeverShown(t *testing.T) {
	open := write(t, "open", strings.Repeat("5ec4e7", 12)+"\n")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, variable string
		args           []string
		want           string
	}{
		{"of the environment", "5ec4e75ec4e7", nil, "hedgehog: HEDGEHOG_SECRET: bad secret: it has 12 characters, not 72\n"},
		{"in a file that others can read", "", []string{"--secret-file", open}, "hedgehog: secret file is open to others: " + open + " has mode 0644, not 0600\n"},
		{"given twice", "5ec4e7", []string{"--secret-file", open}, "hedgehog: both --secret-file (or HEDGEHOG_SECRET_FILE) and HEDGEHOG_SECRET are given: want one\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HEDGEHOG_SECRET", test.variable)
			r := hedgehog(t.Context(), append([]string{"node", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0"}, test.args...)...)
			if r.code != exitFailure || r.stderr != test.want {
				t.Errorf("exit code %d, tells\n got %q\nwant %q", r.code, r.stderr, test.want)
			}
		})
	}
}

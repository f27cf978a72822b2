package main

import (
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/cluster/peer"
)

func TestAFreshSecretIsPrintedOnceAndFitsACluster(t *testing.T) {
	r := hedgehog(t.Context(), "cluster", "keygen")
	if _, err := peer.ParseSecret(r.stdout); r.code != exitOK || err != nil {
		t.Errorf("exit code %d, prints a secret that is refused: %v", r.code, err)
	}
	if !strings.Contains(r.stderr, "umask 077") || strings.Contains(r.stderr, strings.TrimSpace(r.stdout)) {
		t.Errorf("the standard error stream is %q", r.stderr)
	}
	if again := hedgehog(t.Context(), "cluster", "keygen"); again.stdout == r.stdout {
		t.Error("two secrets are the same")
	}
}

func TestASecretIsKeptInAFileOfItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	said := mustHedgehog(t, "cluster", "keygen", "--out", path)
	secret, err := peer.ReadSecretFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, secret.ClusterID()) || strings.Contains(said, secret.Text()) {
		t.Errorf("says %q", said)
	}
	r := hedgehog(t.Context(), "cluster", "keygen", "--out", path)
	checkFailure(t, r, exitFailure, "--out "+path+": the file is there already and may hold a secret that is in use; choose another or remove it")
	if after, err := peer.ReadSecretFile(path); err != nil || after != secret {
		t.Errorf("the secret is another one afterwards, %v", err)
	}
}

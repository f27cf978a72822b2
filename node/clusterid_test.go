package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readClusterID returns what the file has, once it is there.
func readClusterID(t *testing.T, dir string) string {
	t.Helper()
	return waitFor(t, "a cluster id in "+dir, func() (string, bool) {
		content, err := os.ReadFile(filepath.Join(dir, "cluster-id"))
		return strings.TrimSpace(string(content)), err == nil
	})
}

func TestTheClustersIDIsKeptByEachMember(t *testing.T) {
	c := newTeam(t, quietMarket(t), "n1", "n2")
	id := readClusterID(t, c.dirs["n1"])
	if other := readClusterID(t, c.dirs["n2"]); other != id || id == "" {
		t.Errorf("ids %q and %q, want the same", id, other)
	}
	c.stop("n1")
	c.start("n1")
	if again := readClusterID(t, c.dirs["n1"]); again != id {
		t.Errorf("id %q after a restart, %q before", again, id)
	}
	for name, dir := range c.dirs {
		files, err := filepath.Glob(filepath.Join(dir, "cluster-id*"))
		if err != nil || len(files) != 1 {
			t.Errorf("%s has %v, %v; want one file", name, files, err)
		}
		if info, err := os.Stat(filepath.Join(dir, "cluster-id")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info.Mode(), err)
		}
	}
}

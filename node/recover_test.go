package node_test

import (
	"errors"
	"slices"
	"testing"

	"hedgehog/node"
	"hedgehog/node/api"
	"hedgehog/storage"
)

func TestAClusterGoesOnFromWhatOneNodeHas(t *testing.T) {
	m := busyMarket(t, "BTCUSDT", "XRPUSDT")
	c := newTeam(t, m, "n1", "n2", "n3")
	if _, err := c.any().Assign(t.Context(), api.AssignRequest{Symbols: []string{"BTCUSDT", "XRPUSDT"}}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "both symbols to be owned", func() (map[string]string, bool) {
		owners := c.owners()
		return owners, owners["BTCUSDT"] != "" && owners["XRPUSDT"] != ""
	})
	dir := c.dirs["n1"]
	if _, err := node.Recover(t.Context(), dir, "n1"); !errors.Is(err, storage.ErrLocked) {
		t.Errorf("recover a node that runs: %v, want ErrLocked", err)
	}
	c.stop("n1") // first, so that its data count on the votes of the others
	c.stop("n2")
	c.stop("n3")

	if _, err := node.ReadRemains(t.Context(), dir, "n9"); !errors.Is(err, node.ErrNotRecoverable) {
		t.Errorf("remains of a stranger: %v, want ErrNotRecoverable", err)
	}
	before, err := node.ReadRemains(t.Context(), dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	if before.Node != "n1" || !slices.Equal(before.Others, []string{"n2", "n3"}) || before.Symbols != 2 || before.Index == 0 {
		t.Errorf("remains %+v", before)
	}
	if _, err := node.Recover(t.Context(), dir, "n1"); err != nil {
		t.Fatal(err)
	}

	c.start("n1")
	c.waitForNodes(1)
	waitFor(t, "n1 to own both symbols", func() (map[string]string, bool) {
		owners := c.owners()
		return owners, owners["BTCUSDT"] == "n1" && owners["XRPUSDT"] == "n1"
	})
}

func TestADirectoryWithoutAClusterIsNotRecovered(t *testing.T) {
	dir := t.TempDir()
	if _, err := node.Recover(t.Context(), dir, "n1"); !errors.Is(err, node.ErrNotRecoverable) {
		t.Errorf("recover an empty directory: %v, want ErrNotRecoverable", err)
	}
}

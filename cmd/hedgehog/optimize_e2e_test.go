package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

// digestOf returns the digest of a dump's trades.
func digestOf(t testing.TB, path string) string {
	t.Helper()
	r, err := dump.Open(path, dump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	trades := optimize.NewTrades(1 << 30)
	for page := make([]exchange.Tick, 1000); ; {
		n, err := r.ReadTicks(page)
		if added := trades.Add(page[:n]); added != nil {
			t.Fatal(added)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	digest, err := trades.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// Three nodes share the trials of a study and one of them is killed meanwhile: what
// comes of it is what one process by itself finds.
func TestACommandSharesItsTrialsWithNodesThatMayDie(t *testing.T) {
	if testing.Short() {
		t.Skip("lasts some seconds")
	}
	if runtime.GOMAXPROCS(0) == 1 {
		t.Skip("nodes with one core make no trials")
	}
	day := recorded(t, firstDay)
	type result struct {
		Made    map[string]int  `json:"made"`
		Windows json.RawMessage `json:"windows"`
	}
	dir := t.TempDir()
	optimized := func(name string, more ...string) (got result, err error) {
		o := run(t, append([]string{"optimize", symbol, "--file", day, "--data-dir", filepath.Join(dir, name), "--json", "--set", "budget=10",
			"--param", "profit_target=0.0005:0.01:40", "--param", "chunks=1:10:10"}, more...)...)
		if o.code != 0 {
			return got, fmt.Errorf("optimize %q: exit code %d, errors %q", more, o.code, o.stderr)
		}
		return got, json.Unmarshal([]byte(o.stdout), &got)
	}
	c := openMarket(t, []string{"BTCUSDT"})
	c.found("n1", "n2", "n3")
	digest, entry := digestOf(t, day), c.members["n1"]

	var got result
	ended := make(chan error, 1)
	go func() {
		var err error
		got, err = optimized("shared", "--cluster", "--node", entry.url)
		ended <- err
	}()
	eventually(t, "n3 to have the trades", func() bool {
		there, err := entry.client.HasTrades(t.Context(), "n3", digest, symbol, 1, 1)
		return err == nil && there
	})
	c.kill("n3")
	alone, err := optimized("alone")
	if err = errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	var one, many any
	if err := errors.Join(json.Unmarshal(alone.Windows, &one), json.Unmarshal(got.Windows, &many)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, many) {
		t.Errorf("the nodes came to\n%s\none process to\n%s", got.Windows, alone.Windows)
	}
	if got.Made["n2"] == 0 || got.Made["n1"] != 0 || got.Made[""]+got.Made["n2"]+got.Made["n3"] != 401 {
		t.Errorf("made %v, want 401 trials, some by n2 and none by n1, which has its machine in common with the command", got.Made)
	}
	t.Logf("made %v", got.Made)
}

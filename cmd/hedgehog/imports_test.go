package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// mayImport says which of the project's own packages a package may import, by
// its path below the module or the first part of that. The direction is
// cmd → node → {cluster, strategy, data, storage} → exchange. A backtest puts trader
// and exchange together as the node does, so it and what is made of it stand above
// strategy.
var mayImport = map[string][]string{
	"cmd":      {"cmd", "node", "cluster", "strategy", "data", "storage", "exchange"},
	"node":     {"node", "cluster", "strategy", "data", "storage", "exchange"},
	"cluster":  {"cluster"},
	"strategy": {"strategy", "data/bus", "exchange"},
	"data":     {"data", "exchange"},

	"data/backtest": {"data", "strategy", "exchange"},
	"data/optimize": {"data", "strategy", "exchange"},

	"storage":  {"exchange"},
	"exchange": {"exchange"},
}

func TestPackagesImportInOneDirectionOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "hedgehog/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := 0
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; packages++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		path, _ := strings.CutPrefix(p.ImportPath, "hedgehog/")
		part, _, _ := strings.Cut(path, "/")
		allowed, known := mayImport[path]
		if !known {
			allowed, known = mayImport[part]
		}
		if !known {
			t.Errorf("package %s: %q is not a part of the project", p.ImportPath, part)
		}
		for _, i := range p.Imports {
			if target, own := strings.CutPrefix(i, "hedgehog/"); own && !allows(allowed, target) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
	if packages < 15 {
		t.Errorf("%d packages looked at: go list does not see them all", packages)
	}
}

func allows(allowed []string, target string) bool {
	for _, a := range allowed {
		if target == a || strings.HasPrefix(target, a+"/") {
			return true
		}
	}
	return false
}

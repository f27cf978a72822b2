package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestAManualPage(t *testing.T) {
	page := mustHedgehog(t, "man", "trade")
	version := (&program{}).app().Version
	checkGolden(t, "man_trade", strings.Replace(page, `"hedgehog `+version+`"`, `"hedgehog VERSION"`, 1))
}

func TestManualPagesHaveEveryCommandAndFlag(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	mustHedgehog(t, "man", "--dir", dir)
	plain := strings.NewReplacer(`\-`, "-", `\(aq`, "'", `\e`, `\`)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Fatal(err)
		}
		return plain.Replace(string(content))
	}
	main := read("hedgehog")
	if want := "Exit codes: 0 success"; !strings.Contains(main, want) {
		t.Errorf("hedgehog(1) lacks %q", want)
	}
	eachCommand((&program{}).app().Commands, "hedgehog", func(name string, c *cli.Command) {
		if c.Hidden {
			return
		}
		words := strings.Fields(name)
		page := read("hedgehog-" + words[1])
		wanted := append(examples(c.Description), ".B "+name+"\n", ".BR hedgehog (1)\n")
		for _, f := range c.VisibleFlags() {
			wanted = append(wanted, "--"+f.Names()[0])
		}
		for _, want := range wanted {
			if !strings.Contains(page, want) {
				t.Errorf("hedgehog-%s(1) lacks %q", words[1], want)
			}
		}
		if !strings.Contains(main, ".BR hedgehog-"+words[1]+" (1)") {
			t.Errorf("hedgehog(1) lacks %s", name)
		}
	})
}

func TestManualPagesAreWellFormed(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	dir := t.TempDir()
	mustHedgehog(t, "man", "--dir", dir)
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 15 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	// Its exit code says that there are warnings, as there always are: the date is missing.
	out, _ := exec.CommandContext(t.Context(), mandoc, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	dates := 0
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "missing date") {
			dates++
			continue
		}
		t.Error(strings.TrimSpace(line))
	}
	if dates != len(pages) {
		t.Errorf("mandoc has looked at %d of %d pages", dates, len(pages))
	}
}

func TestManualPagesOfWhatIsNotThere(t *testing.T) {
	checkFailure(t, hedgehog(t.Context(), "man", "tarde"), exitUsage, `unknown command "tarde": did you mean trade?; see hedgehog man --help`)
	checkFailure(t, hedgehog(t.Context(), "man", "trade", "data"), exitUsage, "want one command, not 2; see hedgehog man --help")
	checkFailure(t, hedgehog(t.Context(), "man", "--dir", ""), exitFailure, `--dir "": want a directory`)
}

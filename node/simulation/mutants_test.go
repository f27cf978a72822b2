package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// A mutant is the project's own code with one deliberate fault: a mistake that a
// person could make and that breaks one rule of the design. The simulation has to
// find each within mutantSeeds seeds, or it would not find the mistake either.
//
// The code itself knows nothing of this. All mutants are built into one test
// binary with go build's -overlay, each behind a switch, and an environment
// variable switches one on.
type mutant struct {
	name      string
	mutations []mutation
}

// mutation replaces a piece of a file, which occurs there exactly once. In wrong,
// MUTANT says whether the mutant is switched on.
type mutation struct {
	file         string // from the module's root
	right, wrong string
}

const (
	mutantSeeds    = 500
	mutantVariable = "HEDGEHOG_MUTANT"
	// mutantSource is a package that only the overlay has.
	mutantSource = `package mutant

import "os"

var on = os.Getenv("` + mutantVariable + `")

func On(name string) bool { return on == name }
`
)

var chosenMutants = flag.String("mutants", "", "try the mutants whose names match this regular expression; empty: none")

// foundMutant is how a mutant was found.
type foundMutant struct {
	mutant, rule string
	seed         int
	took         time.Duration
}

func TestEveryMutantIsFound(t *testing.T) {
	if *chosenMutants == "" {
		t.Skip("runs for minutes: asked for with -mutants .")
	}
	chosen := regexp.MustCompile(*chosenMutants)
	if !slices.ContainsFunc(mutants, func(m mutant) bool { return chosen.MatchString(m.name) }) {
		t.Fatalf("-mutants %q: no mutant has such a name", *chosenMutants)
	}
	binary := buildMutants(t, mutants)
	var (
		mu  sync.Mutex
		all []foundMutant
	)
	t.Run("with", func(t *testing.T) {
		for _, m := range mutants {
			if !chosen.MatchString(m.name) {
				continue
			}
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				f := findMutant(t, binary, m.name)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, f)
			})
		}
	})
	t.Log("\n" + foundTable(all))
	if t.Failed() {
		return
	}
	// What finds a fault has to pass without it.
	last := 1
	for _, f := range all {
		last = max(last, f.seed)
	}
	if output, err := runMutant(t.Context(), binary, "", last); err != nil {
		t.Errorf("without a fault, seeds 1 to %d: %v\n%s", last, err, ending(output))
	}
}

// findMutant runs seeds with the mutant switched on until one finds it.
func findMutant(t *testing.T, binary, name string) foundMutant {
	began := time.Now()
	output, err := runMutant(t.Context(), binary, name, mutantSeeds)
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
		t.Fatalf("not found in %d seeds: the simulation is blind to it", mutantSeeds)
	case !errors.As(err, &exit):
		t.Fatalf("run the simulation: %v", err)
	}
	violation := regexp.MustCompile(`violation: seed (\d+): ([^:\n]+): `).FindSubmatch(output)
	if violation == nil {
		t.Fatalf("%v, without a word of a violation:\n%s", err, ending(output))
	}
	seed, err := strconv.Atoi(string(violation[1]))
	if err != nil {
		t.Fatal(err)
	}
	return foundMutant{mutant: name, rule: string(violation[2]), seed: seed, took: time.Since(began)}
}

// runMutant runs so many seeds one after the other, until the first that fails.
func runMutant(ctx context.Context, binary, mutant string, seeds int) ([]byte, error) {
	c := exec.CommandContext(ctx, binary, "-test.run", "^TestSeeds$", "-test.timeout", "20m",
		"-seeds", strconv.Itoa(seeds), "-worker", "1/1", "-first", "-busy")
	c.Env = append(os.Environ(), "GOMAXPROCS=1", mutantVariable+"="+mutant)
	return c.CombinedOutput()
}

func ending(output []byte) []byte { return output[max(0, len(output)-4000):] }

func foundTable(all []foundMutant) string {
	slices.SortFunc(all, func(a, b foundMutant) int { return strings.Compare(a.mutant, b.mutant) })
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "mutant\tseed\trule\tseconds")
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%.1f\n", f.mutant, f.seed, f.rule, f.took.Seconds())
	}
	_ = w.Flush() // a strings.Builder takes everything
	return text.String()
}

// buildMutants returns the path of the simulation with all mutants in it.
func buildMutants(t *testing.T, mutants []mutant) string {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	replace := func(file, content string) {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, file)] = copied
	}
	for file, content := range mutated(t, root, mutants) {
		replace(file, content)
	}
	replace("mutant/mutant.go", mutantSource)
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	listed := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "simulation.test")
	c := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", listed, "-o", binary, "./node/simulation")
	c.Dir = root
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build with the mutants in it (each error is in the file of its mutant's name): %v\n%s", err, output)
	}
	return binary
}

// mutated returns the files that the mutants change, as they are with all of
// them in. Line directives name the mutant to the compiler, and give what follows
// its old lines again.
func mutated(t *testing.T, root string, mutants []mutant) map[string]string {
	files := make(map[string]string)
	for _, m := range mutants {
		for _, e := range m.mutations {
			content, ok := files[e.file]
			if !ok {
				original, err := os.ReadFile(filepath.Join(root, e.file))
				if err != nil {
					t.Fatalf("mutant %s: %v", m.name, err)
				}
				content = string(bytes.Replace(original, []byte("\n\nimport"), []byte("; import \"hedgehog/mutant\"\n\nimport"), 1))
			}
			if n := strings.Count(content, e.right); n != 1 {
				t.Fatalf("mutant %s: %s has its text %d times, not once: the code has changed, and the mutant has to follow\n%s",
					m.name, e.file, n, e.right)
			}
			before, after, _ := strings.Cut(content, e.right)
			line := 1 + strings.Count(before, "\n") + strings.Count(e.right, "\n")
			wrong := strings.ReplaceAll(e.wrong, "MUTANT", fmt.Sprintf("mutant.On(%q)", m.name))
			files[e.file] = fmt.Sprintf("%s/*line %s:1*/%s/*line %s:%d*/%s", before, m.name, wrong, filepath.Base(e.file), line, after)
		}
	}
	return files
}

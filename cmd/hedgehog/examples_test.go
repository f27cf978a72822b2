package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// eachCommand visits every command that does something, by its full name.
func eachCommand(commands []*cli.Command, name string, visit func(name string, c *cli.Command)) {
	for _, c := range commands {
		full := name + " " + c.Name
		if len(c.Subcommands) == 0 || takesArguments(c) {
			visit(full, c)
		}
		eachCommand(c.Subcommands, full, visit)
	}
}

// examples returns the command lines in a description: indented, and beginning with the
// program, alone, behind export or in a pipe.
func examples(description string) []string {
	var found []string
	for line := range strings.Lines(description) {
		if strings.HasPrefix(line, "  hedgehog ") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// wordsOf splits a command line as a shell does, as far as examples need that: quotes,
// and an end at a pipe, a redirection or a comment.
func wordsOf(t *testing.T, line string) []string {
	t.Helper()
	var words []string
	for _, word := range strings.Fields(line) {
		if slices.Contains([]string{"|", ">", "&&", "#"}, word) {
			break
		}
		words = append(words, strings.Trim(word, `'"`))
	}
	return words
}

func TestEveryCommandHasAnExampleOfItself(t *testing.T) {
	eachCommand((&program{}).app().Commands, "hedgehog", func(name string, c *cli.Command) {
		if !slices.ContainsFunc(examples(c.Description), func(line string) bool {
			return line == name || strings.HasPrefix(line, name+" ")
		}) {
			t.Errorf("%s --help has no example of it", name)
		}
	})
}

// parsed is what parsing a command line has led to.
type parsed struct{ name string }

func TestEveryExampleIsACommandLine(t *testing.T) {
	app := (&program{stdout: io.Discard, stderr: io.Discard}).app()
	lines := examples(app.Description)
	var got parsed
	eachCommand(app.Commands, "hedgehog", func(name string, c *cli.Command) {
		lines = append(lines, examples(c.Description)...)
		c.Action = func(*cli.Context) error {
			got.name = name
			return nil
		}
	})
	for _, c := range app.Commands {
		if len(c.Subcommands) > 0 && !takesArguments(c) {
			lines = append(lines, examples(c.Description)...)
		}
	}
	if len(lines) < 60 {
		t.Errorf("%d examples found, which can't be all", len(lines))
	}
	for _, line := range lines {
		got = parsed{}
		args := wordsOf(t, line)[1:]
		if err := app.RunContext(t.Context(), append([]string{app.Name}, arrange(app, args)...)); err != nil {
			t.Errorf("%s: %v", line, err)
		} else if !strings.HasPrefix(line+" ", got.name+" ") || got.name == "" {
			t.Errorf("%s is taken for %q", line, got.name)
		}
	}
}

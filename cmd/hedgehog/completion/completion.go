// Package completion says how a command line that somebody types can go on, and has
// the scripts with which bash, zsh and fish ask for that.
//
// A script runs "hedgehog __complete -- WORDS" with the words after the program's name,
// the last one as far as it is typed, and gets a candidate a line, with a tab and its
// description behind it where there is one. The line :files or :dirs stands for the
// files or directories that the shell knows itself.
package completion

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/data/bus"
)

//go:embed bash.sh zsh.sh fish.fish
var scripts embed.FS

// Shells are those that there is a script for.
var Shells = []string{"bash", "zsh", "fish"}

// Script returns the script for one of Shells.
func Script(shell string) (string, error) {
	name := map[string]string{"bash": "bash.sh", "zsh": "zsh.sh", "fish": "fish.fish"}[shell]
	text, err := scripts.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("shell %q: want one of %s", shell, strings.Join(Shells, ", "))
	}
	return string(text), nil
}

// What a shell completes itself.
const (
	files = ":files"
	dirs  = ":dirs"
)

// Candidate is a word that the command line can go on with.
type Candidate struct {
	Word        string
	Description string // may be empty
}

// Known is what a running node knows. Where none answers there is nothing.
type Known interface {
	// Symbols are names of symbols that begin with the prefix.
	Symbols(prefix string) []string
	// Nodes are the cluster's nodes with the addresses of their APIs.
	Nodes() []Candidate
}

// Candidates returns what the last of the words, none of which is the program's name,
// can be, in order.
func Candidates(app *cli.App, words []string, known Known) []Candidate {
	if len(words) == 0 {
		return nil
	}
	current, before := words[len(words)-1], words[:len(words)-1]
	command, rest := named(app, before)
	commands, flags, arguments := app.Commands, app.Flags, ""
	if command != nil {
		commands, flags, arguments = command.Subcommands, command.Flags, command.ArgsUsage
	}
	c := completer{known: known, current: current}
	if slices.Contains(rest, "--") {
		return c.argument(arguments)
	}
	if name, value, found := strings.Cut(current, "="); found && strings.HasPrefix(name, "-") {
		c.current = value
		return c.flag(flags, name, name+"=")
	}
	if len(rest) > 0 {
		if last := rest[len(rest)-1]; takesValue(flags, last) {
			return c.flag(flags, last, "")
		}
	}
	switch {
	case strings.HasPrefix(current, "-"):
		return c.flags(flags)
	case len(commands) > 0 && len(rest) == 0:
		return c.commands(commands)
	default:
		return c.argument(arguments)
	}
}

// named returns the command that the words name, nil for none, and the words after it.
func named(app *cli.App, words []string) (command *cli.Command, rest []string) {
	commands := app.Commands
	for len(words) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			break
		}
		command, words = commands[i], words[1:]
		commands = command.Subcommands
	}
	return command, words
}

// completer completes one word.
type completer struct {
	known   Known
	current string // as far as it is typed
}

// those returns the words that begin with what is typed.
func (c completer) those(prefix string, words ...string) []Candidate {
	var found []Candidate
	for _, w := range words {
		if strings.HasPrefix(w, c.current) {
			found = append(found, Candidate{Word: prefix + w})
		}
	}
	return found
}

func (c completer) commands(commands []*cli.Command) []Candidate {
	var found []Candidate
	for _, sub := range commands {
		if !sub.Hidden && strings.HasPrefix(sub.Name, c.current) {
			found = append(found, Candidate{sub.Name, sub.Usage})
		}
	}
	return found
}

func (c completer) flags(flags []cli.Flag) []Candidate {
	var found []Candidate
	for _, f := range append(slices.Clone(flags), cli.HelpFlag) {
		usage := ""
		if documented, ok := f.(cli.DocGenerationFlag); ok {
			usage = strings.ReplaceAll(documented.GetUsage(), "`", "")
		}
		if word := "--" + f.Names()[0]; strings.HasPrefix(word, c.current) {
			found = append(found, Candidate{word, usage})
		}
	}
	return found
}

// flag returns the values that a flag can have.
func (c completer) flag(flags []cli.Flag, word, prefix string) []Candidate {
	f := find(flags, word)
	if f == nil {
		return nil
	}
	usage := f.(cli.DocGenerationFlag).GetUsage()
	_, usage, _ = strings.Cut(usage, "`")
	placeholder, _, _ := strings.Cut(usage, "`")
	switch placeholder {
	case "FILE", "DUMP":
		return []Candidate{{Word: files}}
	case "DIR":
		return []Candidate{{Word: dirs}}
	case "SYMBOLS":
		return c.symbols(prefix)
	case "EXCHANGE":
		return c.those(prefix, "sim", "binance", "binance-testnet")
	case "LENGTH":
		return c.those(prefix, "1", "5", "15", "60", "240", "1440")
	case "LEVEL":
		return c.those(prefix, "debug", "info", "warn", "error")
	case "PROFILE":
		return c.those(prefix, "local", "lan", "wan")
	case "ROLE":
		return c.those(prefix, "read", "trade", "admin")
	case "TOPIC":
		return c.those(prefix, "trade_events", "orders", "ohlc")
	case "FORMAT":
		if f.Names()[0] == "log-format" {
			return c.those(prefix, "auto", "text", "json")
		}
		return c.those(prefix, "csv", "parquet")
	case "NAME", "URL":
		if f.Names()[0] == "node" {
			return c.nodes(prefix, placeholder == "URL")
		}
	}
	return nil
}

// argument returns the arguments of a command that can have them, by what its help
// calls them.
func (c completer) argument(usage string) []Candidate {
	switch {
	case strings.Contains(usage, "KIND:SYMBOL"):
		return c.topics()
	case strings.Contains(usage, "SYMBOL"), strings.Contains(usage, "PATTERN"):
		return c.symbols("")
	case strings.Contains(usage, "NODE"):
		return c.nodes("", false)
	case strings.Contains(usage, "FILE"):
		return []Candidate{{Word: files}}
	default:
		return nil
	}
}

// symbols returns the symbols that begin with what is typed, in capitals or not, behind
// the commas in it.
func (c completer) symbols(prefix string) []Candidate {
	before, typed := "", c.current
	if i := strings.LastIndex(typed, ","); i >= 0 {
		before, typed = typed[:i+1], typed[i+1:]
	}
	var found []Candidate
	for _, s := range c.known.Symbols(strings.ToUpper(typed)) {
		found = append(found, Candidate{Word: prefix + before + s})
	}
	return found
}

func (c completer) nodes(prefix string, byAddress bool) []Candidate {
	var found []Candidate
	for _, n := range c.known.Nodes() {
		if byAddress {
			n = Candidate{Word: n.Description, Description: n.Word}
		}
		if n.Word != "" && strings.HasPrefix(n.Word, c.current) {
			found = append(found, Candidate{Word: prefix + n.Word, Description: n.Description})
		}
	}
	return found
}

// topics returns kinds of topics, or behind a kind the symbols.
func (c completer) topics() []Candidate {
	kind, symbol, found := strings.Cut(strings.ToUpper(c.current), ":")
	if found {
		c.current = symbol
		return c.symbols(kind + ":")
	}
	var kinds []Candidate
	for _, k := range bus.Kinds() {
		if strings.HasPrefix(k, kind) {
			kinds = append(kinds, Candidate{Word: k + ":"})
		}
	}
	return kinds
}

// find returns the flag that a word names, nil for none.
func find(flags []cli.Flag, word string) cli.Flag {
	name := strings.TrimLeft(word, "-")
	if name == word {
		return nil
	}
	for _, f := range flags {
		if _, documented := f.(cli.DocGenerationFlag); documented && slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// takesValue says whether the word after this one is the value of a flag.
func takesValue(flags []cli.Flag, word string) bool {
	f := find(flags, word)
	return f != nil && f.(cli.DocGenerationFlag).TakesValue()
}

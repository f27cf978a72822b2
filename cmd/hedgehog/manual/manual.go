// Package manual makes manual pages, in the man(7) macros, of a command line's own
// definitions: one of the program, and one of each of its commands with all of its
// subcommands.
//
// The library's own way goes through Markdown, which takes the indented examples in
// descriptions for paragraphs.
package manual

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Page is a manual page of section 1.
type Page struct {
	Name string // hedgehog-trade
	Text string
}

// Pages returns the pages of the program, its own first. They have no date, so that a
// version always makes the same ones.
func Pages(app *cli.App) []Page {
	commands := visible(app.Commands)
	var main writer
	main.title(app.Name, app.Usage, app)
	main.section("SYNOPSIS")
	main.linef(`.B %s`, escape(app.Name))
	main.linef(`.I command`)
	main.linef(`.RI [ option ...]`)
	main.linef(`.RI [ argument ...]`)
	main.section("DESCRIPTION")
	main.description(app.Description)
	main.section("COMMANDS")
	for _, c := range commands {
		main.linef(".TP\n.BR %s (1)\n%s", escape(pageOf(app, c)), escape(c.Usage))
	}
	main.options("OPTIONS", append(app.VisibleFlags(), cli.HelpFlag, cli.VersionFlag))
	pages := []Page{{app.Name, main.String()}}
	for _, c := range commands {
		pages = append(pages, Page{pageOf(app, c), page(app, c)})
	}
	return pages
}

func pageOf(app *cli.App, c *cli.Command) string { return app.Name + "-" + c.Name }

// page is the page of one command.
func page(app *cli.App, c *cli.Command) string {
	var w writer
	w.title(pageOf(app, c), c.Usage, app)
	w.section("SYNOPSIS")
	full := app.Name + " " + c.Name
	subs := visible(c.Subcommands)
	itself := len(subs) == 0 || c.ArgsUsage != "" // it does something without a subcommand
	if itself {
		w.synopsis(full, c)
	}
	for i, sub := range subs {
		if i > 0 || itself {
			w.linef(".br")
		}
		w.synopsis(full+" "+sub.Name, sub)
	}
	w.section("DESCRIPTION")
	w.description(c.Description)
	if itself {
		w.options("OPTIONS", c.VisibleFlags())
	}
	for _, sub := range subs {
		w.section(strings.ToUpper(full + " " + sub.Name))
		w.linef("%s.", escape(strings.ToUpper(sub.Usage[:1])+sub.Usage[1:]))
		w.linef(".PP")
		w.description(sub.Description)
		w.options("", sub.VisibleFlags())
	}
	w.section("SEE ALSO")
	w.linef(`.BR %s (1)`, escape(app.Name))
	return w.String()
}

func visible(commands []*cli.Command) []*cli.Command {
	var left []*cli.Command
	for _, c := range commands {
		if !c.Hidden {
			left = append(left, c)
		}
	}
	return left
}

// writer writes a page.
type writer struct{ strings.Builder }

func (w *writer) linef(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) title(name, usage string, app *cli.App) {
	w.linef(`.\" made by %s man`, escape(app.Name))
	w.linef(`.TH %s 1 "" "%s %s" "User Commands"`, escape(strings.ToUpper(name)), escape(app.Name), escape(app.Version))
	w.section("NAME")
	w.linef(`%s \- %s`, escape(name), escape(usage))
}

func (w *writer) section(name string) { w.linef(".SH %s", quote(name)) }

func (w *writer) synopsis(full string, c *cli.Command) {
	w.linef(".B %s", escape(full))
	if len(c.VisibleFlags()) > 0 {
		w.linef(".RI [ option ...]")
	}
	if c.ArgsUsage != "" {
		w.linef(".I %s", escape(c.ArgsUsage))
	}
}

// description writes paragraphs; indented lines are as they stand.
func (w *writer) description(text string) {
	verbatim := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ")
		switch {
		case line == "" && !verbatim:
			w.linef(".PP")
			continue
		case line == "":
			w.linef("")
			continue
		case indented && !verbatim:
			w.linef(".RS 4\n.nf")
		case !indented && verbatim:
			w.linef(".fi\n.RE\n.PP")
		}
		verbatim = indented
		w.linef("%s", escape(strings.TrimPrefix(line, "  ")))
	}
	if verbatim {
		w.linef(".fi\n.RE")
	}
}

// options writes what the help says of the flags; an empty name begins no section.
func (w *writer) options(name string, flags []cli.Flag) {
	if name != "" {
		w.section(name)
	}
	for _, f := range flags {
		// The library writes the names, a tab, and what there is to say.
		names, usage, _ := strings.Cut(f.String(), "\t")
		w.linef(".TP\n.B %s\n%s", escape(strings.TrimSpace(names)), escape(strings.TrimSpace(usage)))
	}
}

// quote makes one argument of a macro of a text.
func quote(text string) string { return `"` + escape(text) + `"` }

// escape returns a text that roff takes for nothing else.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `'`, `\(aq`, "…", "...").Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

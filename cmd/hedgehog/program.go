package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/node/api"
)

// The exit codes, as the help describes them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// program is one run of the command line. Beside its fields it reads the
// environment.
type program struct {
	stdout, stderr io.Writer
	zone           *time.Location // that times are shown in
}

// run carries out the command that args name and returns the exit code. It
// blocks until the command is over; when ctx ends the command ends early.
func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	err := app.RunContext(ctx, append([]string{app.Name}, arrange(app, args)...))
	if err == nil {
		return exitOK
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(p.stderr, "hedgehog: %s\n", strings.TrimSuffix(line, "\n"))
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, api.ErrUnreachable):
		return exitUnreachable
	default:
		return exitFailure
	}
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:    "hedgehog",
		Usage:   "a trading bot for the spot market",
		Version: version(),
		Description: "Start a node, which brings a simulated exchange along, and trade a symbol on it:\n\n" +
			"  hedgehog node\n" +
			"  hedgehog stream start XRPUSDT\n" +
			"  hedgehog collect start XRPUSDT\n" +
			"  hedgehog trade start XRPUSDT\n" +
			"  hedgehog status\n\n" +
			"Commands that talk to a node find it with --node URL or HEDGEHOG_NODE. With --json\n" +
			"they print JSON for scripts. Flags may stand before or after symbols.\n\n" +
			"Exit codes: 0 success, 1 failure, 2 wrong usage, 3 no node answers.",
		Commands: []*cli.Command{
			p.nodeCommand(),
			p.exchangeCommand(),
			p.statusCommand(),
			p.streamCommand(),
			p.aggregateCommand(),
			p.collectCommand(),
			p.tradeCommand(),
			p.profitCommand(),
			p.ordersCommand(),
			p.fillsCommand(),
			p.tradesCommand(),
			p.candlesCommand(),
			p.dataCommand(),
			p.backtestCommand(),
			p.optimizeCommand(),
			p.watchCommand(),
			p.topCommand(),
			p.clusterCommand(),
			p.tokenCommand(),
			p.manCommand(),
			p.completionCommand(),
			p.completeCommand(),
			p.versionCommand(),
		},
		Action:          rootAction,
		OnUsageError:    wrongFlag,
		ExitErrHandler:  func(*cli.Context, error) {}, // run decides
		HideHelpCommand: true,                         // arrange takes care of "help COMMAND"
		// A file's name may have a comma; where lists are meant, listed takes them apart.
		DisableSliceFlagSeparator: true,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
	}
	for _, c := range app.Commands {
		complete(c)
	}
	return app
}

// complete gives c and its subcommands what all commands have in common.
func complete(c *cli.Command) {
	c.OnUsageError = wrongFlag
	c.HideHelpCommand = true
	if len(c.Subcommands) == 0 {
		c.CustomHelpTemplate = cli.CommandHelpTemplate
		return
	}
	if !takesArguments(c) {
		c.Action = groupAction
	}
	for _, sub := range c.Subcommands {
		complete(sub)
	}
}

// takesArguments says whether a command does something itself, with arguments and
// flags, beside what its subcommands do.
func takesArguments(c *cli.Command) bool { return c.ArgsUsage != "" }

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the program's version",
		Description: "Of a program that was not built at a version it is dev. Example:\n\n" +
			"  hedgehog version --json",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return p.print(c, map[string]string{"version": c.App.Version}, func(w io.Writer) {
				fmt.Fprintln(w, "hedgehog", c.App.Version)
			})
		},
	}
}

// version returns the version that the build was stamped with, "dev" when there
// is none.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange returns args with the flags of the named command before its
// arguments, the only place where the parser takes them, and people don't
// always put them there. "help COMMAND" becomes "COMMAND --help".
func arrange(app *cli.App, args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	var path []string
	var command *cli.Command
	commands := app.Commands
	for len(args) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[0]) })
		if i < 0 {
			break
		}
		command = commands[i]
		commands = command.Subcommands
		path = append(path, args[0])
		args = args[1:]
	}
	if command == nil || len(commands) > 0 && !takesArguments(command) {
		return append(path, args...) // no command to have flags yet
	}
	flags, arguments := split(command, args)
	if slices.Contains(flags, "--help") || slices.Contains(flags, "-h") {
		return append(path, "--help")
	}
	path = append(path, flags...)
	if len(arguments) > 0 {
		path = append(path, "--") // what follows is no flag, whatever it looks like
	}
	return append(path, arguments...)
}

// split tells the flags of a command, with their values, from its arguments.
// Where the last flag lacks its value there are no arguments: the parser shall
// not take one for it.
func split(command *cli.Command, args []string) (flags, arguments []string) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return flags, append(arguments, args...)
		case len(arg) < 2 || arg[0] != '-':
			arguments = append(arguments, arg)
		default:
			flags = append(flags, arg)
			if !takesNext(command, arg) {
				continue
			}
			if len(args) == 0 {
				return flags, nil
			}
			flags = append(flags, args[0])
			args = args[1:]
		}
	}
	return flags, arguments
}

// takesNext says whether the argument after arg is the value of the flag arg.
func takesNext(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			valued, ok := f.(cli.DocGenerationFlag)
			return ok && valued.TakesValue()
		}
	}
	return false
}

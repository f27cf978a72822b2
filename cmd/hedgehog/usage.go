package main

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
)

// usageError is returned when the command line itself is wrong.
type usageError struct{ text string }

// Error says what is wrong and where the right usage is told.
func (e *usageError) Error() string { return e.text }

// wrongUsage returns a usageError that ends with where to look.
func wrongUsage(c *cli.Context, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...) + "; see " + c.Command.HelpName + " --help"}
}

// wrongFlag says what is wrong with a flag, in place of the parser's own words.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, unknown := strings.CutPrefix(text, "flag provided but not defined: -"); unknown {
		text = "unknown flag --" + strings.TrimPrefix(name, "-")
		if len(c.Command.Subcommands) > 0 {
			text += ": flags stand behind the command that they are for"
		} else {
			text += didYouMean(cli.SuggestFlag(c.Command.Flags, name, false))
		}
	} else {
		text = strings.Replace(text, "flag -", "flag --", 1)
		text = strings.Replace(text, "flag needs an argument: -", "no value for flag --", 1)
	}
	return wrongUsage(c, "%s", text)
}

func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return ": did you mean " + suggestion + "?"
}

// rootAction is what the program does when no command is named.
func rootAction(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowAppHelp(c)
	}
	return unknownCommand(c, c.App.Commands)
}

// groupAction is what a command does that only has subcommands.
func groupAction(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c, c.Command.Subcommands)
	}
	names := make([]string, len(c.Command.Subcommands))
	for i, sub := range c.Command.Subcommands {
		names[i] = sub.Name
	}
	return wrongUsage(c, "%s what? want one of %s", c.Command.HelpName, strings.Join(names, ", "))
}

func unknownCommand(c *cli.Context, commands []*cli.Command) error {
	name := c.Args().First()
	suggestion := cli.SuggestCommand(commands, name) // a whole sentence of its own
	if _, quoted, found := strings.Cut(suggestion, `"`); found {
		suggestion, _, _ = strings.Cut(quoted, `"`)
	}
	return wrongUsage(c, "unknown command %q%s", name, didYouMean(suggestion))
}

// decimalOf reads a number that a flag has. An exponent is refused: it could ask
// for more digits than there is memory.
func decimalOf(c *cli.Context, flag, text string) (decimal.Decimal, error) {
	value, err := decimal.NewFromString(text)
	if err != nil || strings.ContainsAny(text, "eE") {
		return decimal.Decimal{}, wrongUsage(c, "--%s %q: want a decimal number such as 0.001", flag, text)
	}
	return value, nil
}

// noArguments refuses arguments of a command that takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return wrongUsage(c, "unexpected argument %q", c.Args().First())
	}
	return nil
}

// symbolArguments returns the symbols that the arguments name, in upper case.
func symbolArguments(c *cli.Context) ([]string, error) {
	symbols := make([]string, 0, c.NArg())
	for _, arg := range c.Args().Slice() {
		symbol := strings.ToUpper(arg)
		if !exchange.ValidSymbolName(symbol) {
			return nil, wrongUsage(c, "%q is not a symbol's name, which looks like XRPUSDT", arg)
		}
		symbols = append(symbols, symbol)
	}
	return symbols, nil
}

// neededSymbols is symbolArguments for a command that needs at least one.
func neededSymbols(c *cli.Context) ([]string, error) {
	symbols, err := symbolArguments(c)
	if err == nil && len(symbols) == 0 {
		err = wrongUsage(c, "which symbol?")
	}
	return symbols, err
}

// neededSymbol returns the one symbol that the arguments name.
func neededSymbol(c *cli.Context) (string, error) {
	symbols, err := neededSymbols(c)
	if err != nil {
		return "", err
	}
	if len(symbols) > 1 {
		return "", wrongUsage(c, "want one symbol, not %d", len(symbols))
	}
	return symbols[0], nil
}

// oneSymbol returns the symbol that the arguments name, empty when there is none.
func oneSymbol(c *cli.Context) (string, error) {
	if !c.Args().Present() {
		return "", nil
	}
	return neededSymbol(c)
}

// listed returns the values of a flag that may be repeated and may have several
// values at once, separated by commas.
func listed(c *cli.Context, flag string) []string {
	var values []string
	for _, text := range c.StringSlice(flag) {
		for value := range strings.SplitSeq(text, ",") {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// listedSymbols returns the symbols that the values of a flag name, in upper case.
func listedSymbols(c *cli.Context, flag string) ([]string, error) {
	var symbols []string
	for _, value := range listed(c, flag) {
		symbol := strings.ToUpper(value)
		if !exchange.ValidSymbolName(symbol) {
			return nil, wrongUsage(c, "--%s %q: not a symbol's name, which looks like XRPUSDT", flag, value)
		}
		symbols = append(symbols, symbol)
	}
	return symbols, nil
}

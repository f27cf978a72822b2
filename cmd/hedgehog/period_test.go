package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
)

// periodIn returns the period that the arguments of a command bound.
func periodIn(tb testing.TB, args ...string) (from, to exchange.Micros, err error) {
	tb.Helper()
	app := &cli.App{
		Name: "hedgehog", HideHelpCommand: true, Writer: io.Discard,
		Flags:          periodFlags(),
		ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) (err error) {
			from, to, err = periodOf(c)
			return err
		},
	}
	err = app.RunContext(tb.Context(), append([]string{app.Name}, args...))
	return from, to, err
}

func TestAPeriodIsBoundedByDatesAndTimes(t *testing.T) {
	day := func(n int) exchange.Micros { return exchange.MicrosOf(time.Date(2019, 10, n, 0, 0, 0, 0, time.UTC)) }
	const hour = exchange.Micros(3600 * 1_000_000)
	for _, test := range []struct {
		args     string
		from, to exchange.Micros
	}{
		{"", 0, 0},
		{"--from 2019-10-11", day(11), 0},
		{"--to 2019-10-11", 0, day(11)},
		{"--from 2019-10-11 --to 2019-10-12", day(11), day(12)},
		{"--from 2019-10-11T08:00:00Z --to 2019-10-11T12:00:00.000001+02:00", day(11) + 8*hour, day(11) + 10*hour + 1},
	} {
		from, to, err := periodIn(t, strings.Fields(test.args)...)
		if err != nil || from != test.from || to != test.to {
			t.Errorf("%q: %d to %d, %v; want %d to %d", test.args, from, to, err, test.from, test.to)
		}
	}
}

func TestAPeriodThatMakesNoSenseIsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--from yesterday":                      `--from "yesterday": want a date such as`,
		"--from=":                               `--from "": want a date such as`,
		"--from 2019-13-01":                     `--from "2019-13-01": want`,
		"--to 1969-01-01":                       `--to "1969-01-01": want`,
		"--to 2019-10-11T10:00":                 `--to "2019-10-11T10:00": want`,
		"--from 2019-10-11 --to 2019-10-11":     "--to 2019-10-11: want a time after --from 2019-10-11",
		"--from 2019-10-12 --to 2019-10-11":     "--to 2019-10-11: want a time after --from 2019-10-12",
		"--from 2019-10-11 --to 2019-10-10T23Z": `--to "2019-10-10T23Z": want`,
	} {
		if _, _, err := periodIn(t, strings.Fields(args)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s…", args, err, want)
		}
	}
}

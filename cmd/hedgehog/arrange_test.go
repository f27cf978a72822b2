package main

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFlagsMayStandBehindArguments(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"orders XRPETH --json", "orders --json -- XRPETH"},
		{"orders XRPETH --limit 5 --open", "orders --limit 5 --open -- XRPETH"},
		{"orders XRPETH --limit=5 --open", "orders --limit=5 --open -- XRPETH"},
		{"trade settings XRPETH --budget -5", "trade settings --budget -5 -- XRPETH"},
		{"stream start A --node X B", "stream start --node X -- A B"},
		{"stream start A -- --json", "stream start -- A --json"},
		{"stream start -", "stream start -- -"},
		{"orders XRPETH --unknown 5", "orders --unknown -- XRPETH 5"},
		{"orders XRPETH --limit", "orders --limit"},
		{"orders XRPETH --help", "orders --help"},
		{"orders -h XRPETH", "orders --help"},
		{"help trade settings", "trade settings --help"},
		{"help", "--help"},
		{"stream --json start", "stream --json start"},
		{"--version", "--version"},
		{"nonsense --json", "nonsense --json"},
		{"", ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			app := (&program{}).app()
			if got := strings.Join(arrange(app, strings.Fields(test.args)), " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhereFlagsStandMakesNoDifference(t *testing.T) {
	app := (&program{}).app()
	rapid.Check(t, func(t *rapid.T) {
		flags := rapid.SliceOf(rapid.SampledFrom([][]string{
			{"--json"}, {"--open"}, {"--limit", "7"}, {"--limit=8"}, {"--node", "--json"}, {"--node", ""},
		})).Draw(t, "flags")
		arguments := rapid.SliceOf(rapid.StringMatching(`[A-Z]{1,6}`)).Draw(t, "arguments")

		want := append([]string{"orders"}, slices.Concat(flags...)...)
		if len(arguments) > 0 {
			want = append(append(want, "--"), arguments...)
		}
		mixed := []string{"orders"}
		for len(flags)+len(arguments) > 0 {
			if len(arguments) == 0 || len(flags) > 0 && rapid.Bool().Draw(t, "flag next") {
				mixed = append(mixed, flags[0]...)
				flags = flags[1:]
				continue
			}
			mixed = append(mixed, arguments[0])
			arguments = arguments[1:]
		}
		if got := arrange(app, mixed); !slices.Equal(got, want) {
			t.Fatalf("arranged %q\n got %q\nwant %q", mixed, got, want)
		}
	})
}

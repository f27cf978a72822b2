package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hedgehog/node/api"
)

func TestReplayAsksTheNodeAndSaysHowFarItCame(t *testing.T) {
	node := newFakeNode(t)
	t.Setenv("HEDGEHOG_NODE", node.url)
	node.lines = []string{
		`{"symbol":"XRPETH","published":0,"done":false}`,
		`{"symbol":"XRPETH","published":7,"at_us":1570795200000000,"done":true}`,
	}
	if got, want := mustHedgehog(t, "data", "replay", "xrpeth"), "7 trades played, up to 2019-10-11 12:00:00.000\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	var last api.ReplayProgress
	text := mustHedgehog(t, "data", "replay", "XRPETH", "--from", "2019-10-11", "--to", "2019-10-12", "--speed", "max", "--json")
	if err := json.Unmarshal([]byte(text), &last); err != nil || last != (api.ReplayProgress{Symbol: "XRPETH", Published: 7, AtUS: noon, Done: true}) {
		t.Errorf("printed %s: %+v, %v", text, last, err)
	}
	mustHedgehog(t, "data", "replay", "XRPETH", "--speed", "lockstep")
	mustHedgehog(t, "data", "replay", "XRPETH", "--speed", "60x")
	want := []string{
		`{"symbol":"XRPETH","speed":1}`,
		`{"symbol":"XRPETH","from_us":1570752000000000,"to_us":1570838400000000,"speed":0}`,
		`{"symbol":"XRPETH","speed":0,"lockstep":true}`,
		`{"symbol":"XRPETH","speed":60}`,
	}
	if !slices.Equal(node.changes, want) {
		t.Errorf("asked %q\nwant %q", node.changes, want)
	}
}

func TestAReplayThatTheNodeRefusesOrEndsHasFailed(t *testing.T) {
	for _, test := range []struct {
		refusal string
		lines   []string
		want    string
	}{
		{"not possible now: XRPETH is being replayed", nil, "not possible now: XRPETH is being replayed"},
		{"", []string{`{"published":7,"error":"disk is broken"}`}, "replay XRPETH: disk is broken"},
		{"", []string{`{"published":7}`}, "replay XRPETH: the node has ended it, as it does when it stops"},
		{"", []string{`seven`}, `replay XRPETH: line "seven": invalid character 's' looking for beginning of value`},
	} {
		node := newFakeNode(t)
		node.refusal, node.lines = test.refusal, test.lines
		checkFailure(t, hedgehog(t.Context(), "data", "replay", "XRPETH", "--node", node.url), exitFailure, test.want)
	}
}

func TestAnInterruptedReplaySaysWhereToGoOn(t *testing.T) {
	node := newFakeNode(t)
	node.endless = true
	node.lines = []string{`{"published":7,"at_us":1570795200000001}`}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	client, err := api.NewClient(node.url)
	if err != nil {
		t.Fatal(err)
	}
	last, err := client.Replay(ctx, api.Replay{Symbol: "XRPETH"}, func(api.ReplayProgress) { interrupt() })
	if !errors.Is(err, context.Canceled) || last.Published != 7 || last.AtUS != noon+1 {
		t.Fatalf("%+v, %v", last, err)
	}
	p := program{zone: time.UTC}
	want := "interrupted: 7 trades played, up to 2019-10-11 12:00:00.000; --from 2019-10-11T12:00:00.000001Z goes on from there"
	if got := p.replayInterrupted(last).Error(); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	if from, _, err := periodIn(t, "--from", "2019-10-11T12:00:00.000001Z"); from != noon+1 || err != nil {
		t.Errorf("which is understood as %d, %v", from, err)
	}
}

func TestReplayRefusesWhatItCannotDo(t *testing.T) {
	for args, want := range map[string]string{
		"":                        "which symbol?",
		"XRPETH BNBBTC":           "want one symbol, not 2",
		"XRPETH --speed fast":     `--speed "fast": want max, lockstep or a factor above 0`,
		"XRPETH --speed 0":        `--speed "0": want max, lockstep or a factor above 0`,
		"XRPETH --from yesterday": `--from "yesterday": want a date`,
	} {
		r := hedgehog(t.Context(), append([]string{"data", "replay"}, strings.Fields(args)...)...)
		if r.code != exitUsage || !strings.HasPrefix(r.stderr, "hedgehog: "+want) {
			t.Errorf("%q: %+v, want %s…", args, r, want)
		}
	}
}

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"hedgehog/node/api"
)

func TestWhatPeopleReadOfTheCluster(t *testing.T) {
	well := threeNodes()
	alone := threeNodes()
	alone.Leader, alone.Quorum = "", false
	alone.Nodes[0].State, alone.Nodes[2].State = "failed", "left"
	draining := threeNodes()
	draining.Nodes[1].Draining, draining.Nodes[2].Zone, draining.Nodes[2].Role = true, "west", "non-voter"
	orphaned := twoSymbols()
	orphaned[0].Node, orphaned[1].Node, orphaned[1].Active = "", "", false
	events := []api.ClusterEvent{
		{TimeUS: noon, Kind: "leader", Node: "n1", Text: "n1 leads, term 4"},
		{TimeUS: noon + 1_250_000, Kind: "owner", Node: "n2", Symbol: "XRPETH", Text: "n2 owns XRPETH, epoch 12"},
	}
	for _, test := range []struct {
		golden, args string
		status       api.ClusterStatus
		symbols      []api.ClusterSymbol
		events       []api.ClusterEvent
	}{
		{golden: "cluster_status", args: "status", status: well, symbols: twoSymbols()},
		{golden: "cluster_status_lost", args: "status", status: alone, symbols: orphaned},
		{golden: "cluster_status_empty", args: "status", status: draining},
		{golden: "cluster_nodes", args: "nodes", status: draining},
		{golden: "cluster_symbols", args: "symbols", symbols: twoSymbols()},
		{golden: "cluster_symbols_orphaned", args: "symbols --all", symbols: orphaned},
		{golden: "cluster_symbols_matching", args: "symbols xrp* BNB???X", symbols: twoSymbols()},
		{golden: "cluster_symbols_none", args: "symbols DOGE*", symbols: twoSymbols()},
		{golden: "cluster_events", args: "events", events: events},
		{golden: "cluster_events_none", args: "events"},
		{golden: "cluster_assign", args: "assign BNBBTC xrpeth"},
		{golden: "cluster_dry_run", args: "drain n1 --dry-run"},
	} {
		t.Run(test.golden, func(t *testing.T) {
			node := newFakeCluster(t)
			node.status, node.symbols, node.events = test.status, test.symbols, test.events
			t.Setenv("HEDGEHOG_NODE", node.url)
			checkGolden(t, test.golden, mustHedgehog(t, append([]string{"cluster"}, strings.Fields(test.args)...)...))
		})
	}
}

func TestJSONOfTheClusterIsTheNodesAnswer(t *testing.T) {
	node := newFakeCluster(t)
	t.Setenv("HEDGEHOG_NODE", node.url)
	var status api.ClusterStatus
	mustDecode(t, mustHedgehog(t, "cluster", "status", "--json"), &status)
	if status.Leader != "n1" || status.Term != 4 || !status.Quorum || len(status.Nodes) != 3 || status.Nodes[1] != threeNodes().Nodes[1] {
		t.Errorf("status %+v", status)
	}
	var symbols []api.ClusterSymbol
	mustDecode(t, mustHedgehog(t, "cluster", "symbols", "XRP*", "--json"), &symbols)
	if len(symbols) != 1 || symbols[0] != twoSymbols()[1] {
		t.Errorf("symbols %+v", symbols)
	}
	if got := mustHedgehog(t, "cluster", "symbols", "DOGE*", "--json"); got != "[]\n" {
		t.Errorf("no symbols as JSON: %q, want an empty array", got)
	}
	var plan api.Plan
	mustDecode(t, mustHedgehog(t, "cluster", "rebalance", "--json"), &plan)
	if len(plan.Moves) != 2 || plan.Moves[1] != node.plan.Moves[1] {
		t.Errorf("plan %+v", plan)
	}
}

func TestAWatchGoesOnWhileTheNodeFails(t *testing.T) {
	node := newFakeCluster(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	frames := 0
	var errors strings.Builder
	p := program{zone: time.UTC, stdout: writer(func(text []byte) {
		if frames++; frames > 1 {
			interrupt()
			return
		}
		if !strings.Contains(string(text), "leader   n1 (term 4)") || !strings.Contains(string(text), "XRPETH") {
			t.Errorf("the first view is %q", text)
		}
		node.mu.Lock()
		node.down = true
		node.mu.Unlock()
	}), stderr: writer(func(text []byte) {
		errors.Write(text)
		node.mu.Lock()
		node.down = false
		node.mu.Unlock()
	})}
	if code := p.run(ctx, []string{"cluster", "watch", "--node", node.url}); code != exitOK {
		t.Errorf("exit code %d after an interrupt, want %d", code, exitOK)
	}
	if want := "hedgehog: the disk is full; trying again\n"; errors.String() != want {
		t.Errorf("told %q, want %q", errors.String(), want)
	}
}

func TestAWatchOfNobodyFailsAtOnce(t *testing.T) {
	address := freeAddress(t)
	for _, args := range []string{"watch", "status --watch", "symbols --watch"} {
		r := hedgehog(t.Context(), append(append([]string{"cluster"}, strings.Fields(args)...), "--node", address)...)
		if r.code != exitUnreachable || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("cluster %s: exit code %d, errors %q", args, r.code, r.stderr)
		}
	}
}

// writer is a writer that hands on what is written.
type writer func([]byte)

func (f writer) Write(text []byte) (int, error) {
	f(text)
	return len(text), nil
}

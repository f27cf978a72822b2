package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAClusterCommandAsksForWhatItSays(t *testing.T) {
	for _, test := range []struct{ args, request, says string }{
		{"assign xrpeth BNB*", `assign {"symbols":["XRPETH","BNB*"]}`, "2 symbols assigned; 2 symbols move"},
		{"assign --all --weight 3", `assign {"all":true,"weight":3}`, "2 symbols assigned; 2 symbols move"},
		{"assign XRPETH --node n2", `assign {"symbols":["XRPETH"],"node":"n2"}`, "2 symbols assigned; 2 symbols move"},
		{"assign XRPETH --dry-run", `assign {"symbols":["XRPETH"],"dry_run":true}`, "a dry run, nothing is changed; 2 symbols move"},
		{"unassign XRPETH", `assign {"symbols":["XRPETH"],"unassign":true}`, "2 symbols unassigned; 2 symbols move"},
		{"pin XRP* --node n2", `pin {"symbols":["XRP*"],"node":"n2"}`, "2 symbols pinned to n2; 2 symbols move"},
		{"unpin XRPETH", `pin {"symbols":["XRPETH"],"node":""}`, "2 symbols unpinned; 2 symbols move"},
		{"drain n1", `drain {"node":"n1"}`, "n1 is drained; 2 symbols move"},
		{"undrain n1 --dry-run", `undrain {"node":"n1","dry_run":true}`, "a dry run, nothing is changed; 2 symbols move"},
		{"remove n3", `remove {"node":"n3"}`, "n3 is removed; 2 symbols move"},
		{"rebalance", `rebalance?dry_run=false`, "the symbols are spread anew; 2 symbols move"},
		{"rebalance --dry-run", `rebalance?dry_run=true`, "a dry run, nothing is changed; 2 symbols move"},
		{"transfer-leader", `transfer-leader {"node":""}`, "the leadership is handed over"},
		{"transfer-leader n2", `transfer-leader {"node":"n2"}`, "the leadership is handed over"},
	} {
		t.Run(test.args, func(t *testing.T) {
			node := newFakeCluster(t)
			said := mustHedgehog(t, append(append([]string{"cluster"}, strings.Fields(test.args)...), "--node", node.url)...)
			if got := node.sent(); !slices.Equal(got, []string{test.request}) {
				t.Errorf("requests %q, want %q", got, test.request)
			}
			if first, _, _ := strings.Cut(said, "\n"); first != test.says {
				t.Errorf("says %q, want %q", first, test.says)
			}
		})
	}
}

func TestAnOwnerAndTheNodeToTalkToAreToldApart(t *testing.T) {
	node := newFakeCluster(t)
	t.Setenv("HEDGEHOG_NODE", freeAddress(t)) // the flag has more weight
	mustHedgehog(t, "cluster", "assign", "XRPETH", "--node", node.url, "--node", "n3")
	t.Setenv("HEDGEHOG_NODE", node.url)
	mustHedgehog(t, "cluster", "pin", "XRPETH", "--node", "n1")
	want := []string{`assign {"symbols":["XRPETH"],"node":"n3"}`, `pin {"symbols":["XRPETH"],"node":"n1"}`}
	if got := node.sent(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

func TestWhatTheNodeRefusesIsTold(t *testing.T) {
	node := newFakeCluster(t)
	node.down = true
	checkFailure(t, hedgehog(t.Context(), "cluster", "drain", "n9", "--wait", "--node", node.url), exitFailure, `unknown node "n9"`)
}

func TestAWaitEndsWhenTheChangeIsInForce(t *testing.T) {
	owned := func(symbol, node string) func(*fakeCluster) {
		return func(f *fakeCluster) { f.own(symbol, node) }
	}
	nothing := func(*fakeCluster) {}
	for _, test := range []struct {
		args   string
		before []func(*fakeCluster) // at once
		later  []func(*fakeCluster) // with each look at the cluster
		waits  string
	}{
		{"assign --all", []func(*fakeCluster){owned("XRPETH", ""), owned("BNBBTC", "")},
			[]func(*fakeCluster){nothing, owned("BNBBTC", "n1"), owned("XRPETH", "n3")},
			"waiting: 2 of 2 symbols without an owner: BNBBTC, XRPETH\nwaiting: 1 of 2 symbols without an owner: XRPETH\n"},
		{"assign --all --node n2", nil, []func(*fakeCluster){nothing, owned("BNBBTC", "n2")},
			"waiting: 1 of 2 symbols not owned by n2: BNBBTC\n"},
		{"pin * --node n1", nil, []func(*fakeCluster){nothing, owned("XRPETH", "n1")},
			"waiting: 1 of 2 symbols not owned by n1: XRPETH\n"},
		{"unassign --all", []func(*fakeCluster){owned("XRPETH", "")}, []func(*fakeCluster){nothing, nothing, owned("BNBBTC", "")},
			"waiting: 1 of 2 symbols still owned: BNBBTC\n"},
		{"drain n1", nil, []func(*fakeCluster){nothing, owned("BNBBTC", "n2")},
			"waiting: 1 of 2 symbols still owned by n1: BNBBTC\n"},
		{"rebalance", []func(*fakeCluster){owned("BNBBTC", "n2")}, []func(*fakeCluster){nothing, owned("XRPETH", "n3")},
			"waiting: 1 of 2 symbols still on the move: XRPETH\n"},
		{"remove n3", nil, []func(*fakeCluster){func(f *fakeCluster) { f.status.Nodes[2].Role = "none" }},
			"waiting: n3 is still a member\n"},
		{"transfer-leader n2", nil, []func(*fakeCluster){func(f *fakeCluster) { f.status.Leader = "" }, func(f *fakeCluster) { f.status.Leader = "n2" }},
			"waiting: n1 still leads\nwaiting: nobody leads\n"},
		{"undrain n1", []func(*fakeCluster){owned("BNBBTC", "n2"), owned("XRPETH", "n3")}, nil, ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			node := newFakeCluster(t)
			for _, change := range test.before {
				change(node)
			}
			node.later = test.later
			args := append(append([]string{"cluster"}, strings.Fields(test.args)...), "--wait", "--timeout", "20s", "--node", node.url)
			r := hedgehog(t.Context(), args...)
			if r.code != exitOK || r.stderr != test.waits {
				t.Errorf("exit code %d, tells\n got %q\nwant %q", r.code, r.stderr, test.waits)
			}
			if !strings.Contains(r.stdout, "\n") {
				t.Errorf("prints %q", r.stdout)
			}
		})
	}
}

func TestAWaitThatIsTooShortSaysWhatIsMissing(t *testing.T) {
	node := newFakeCluster(t)
	r := hedgehog(t.Context(), "cluster", "drain", "n1", "--wait", "--timeout", "250ms", "--node", node.url)
	want := "waiting: 1 of 2 symbols still owned by n1: BNBBTC\n" +
		"hedgehog: not in force after 250ms: 1 of 2 symbols still owned by n1: BNBBTC\n"
	if r.code != exitFailure || r.stderr != want {
		t.Errorf("exit code %d, tells\n got %q\nwant %q", r.code, r.stderr, want)
	}
}

func TestManySymbolsAreCountedNotListed(t *testing.T) {
	left := strings.Fields("A B C D E F G")
	if got, want := remaining(left, 9, "without an owner"), "7 of 9 symbols without an owner: A, B, C, D, E, …"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

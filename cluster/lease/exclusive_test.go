package lease_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lived is how long each world lasts: some twenty leases.
const lived = 30 * time.Second

// seeded returns a picker whose choices follow from the seed.
func seeded(seed uint64) picker {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(_ string, least, most int64) int64 { return least + random.Int64N(most-least+1) }
}

// TestOneNodeAtATimeHoldsASymbol is the promise that all trading rests on. rapid
// looks for a short way to break it.
func TestOneNodeAtATimeHoldsASymbol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(what string, least, most int64) int64 {
			return rapid.Int64Range(least, most).Draw(t, what)
		}
		w := newWorld(pick, keepsAll)
		w.run(lived / 3)
		if w.violation != "" {
			t.Fatal(w.violation)
		}
	})
}

func TestOneNodeAtATimeHoldsASymbolForLong(t *testing.T) {
	var takeovers, orders, refused int
	const worlds = 100
	for seed := range uint64(worlds) {
		w := newWorld(seeded(seed), keepsAll)
		w.run(lived)
		if w.violation != "" {
			t.Fatalf("seed %d: %s", seed, w.violation)
		}
		takeovers, orders, refused = takeovers+w.takeovers, orders+w.orders, refused+w.refused
	}
	t.Logf("%d takeovers, %d orders accepted, %d refused as late", takeovers, orders, refused)
	if takeovers < 5*worlds || orders < 20*worlds || refused < worlds {
		t.Error("too little happened to tell anything")
	}
}

// Each rule is there for a reason: without it some world breaks the promise.
func TestEachRuleIsNeeded(t *testing.T) {
	rules := []rule{
		countFromSending, waitElection, verify, verifyTerm, answerGranted,
		askFree, waitForRequests, checkOrders, checkWindow,
	}
	for _, broken := range rules {
		t.Run(string(broken), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2000) {
				w := newWorld(seeded(seed), broken)
				w.run(lived)
				if w.violation != "" {
					t.Logf("seed %d: %s", seed, w.violation)
					return
				}
			}
			t.Error("no world broke the promise: the simulation does not test this rule")
		})
	}
}

package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
)

// fillWith brings one trade of that id into memory and returns its digest.
func fillWith(t *testing.T, kept *trials, id int64) string {
	t.Helper()
	trades := optimize.NewTrades(1 << 10)
	if err := trades.Add([]exchange.Tick{{ID: id, Time: 1, Price: 1, Quantity: 1}}); err != nil {
		t.Fatal(err)
	}
	digest, err := trades.Digest(t.Context())
	if err == nil {
		err = kept.fill(t.Context(), digest, func(int64) (*optimize.Trades, error) { return trades, nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func has(kept *trials, digest string) bool {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	return kept.kept[digest] != nil
}

func TestTradesOfTrialsAreForgottenWhenNobodyUsesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := newTrials(1)
		digest := fillWith(t, kept, 1)
		_, release, ok := kept.use(digest)
		if !ok {
			t.Fatal("trades are not there")
		}
		time.Sleep(2 * trialsForgotten) // virtual
		if !has(kept, digest) {
			t.Error("trades that are used are forgotten")
		}
		release()
		time.Sleep(trialsForgotten - time.Second)
		if !has(kept, digest) {
			t.Error("trades are forgotten too early")
		}
		time.Sleep(2 * time.Second)
		if has(kept, digest) {
			t.Error("trades that nobody uses are kept")
		}
	})
}

func TestTradesTakeThePlaceOfThoseThatNobodyUses(t *testing.T) {
	kept := newTrials(1)
	used, unused := fillWith(t, kept, 1), ""
	_, release, _ := kept.use(used)
	defer release()
	unused = fillWith(t, kept, 2)
	next := fillWith(t, kept, 3)
	if !has(kept, used) || has(kept, unused) || !has(kept, next) {
		t.Errorf("used %t, unused %t, next %t; want that only the unused ones are gone", has(kept, used), has(kept, unused), has(kept, next))
	}
	full := errors.New("full")
	err := kept.fill(t.Context(), "other", func(memory int64) (*optimize.Trades, error) {
		if memory != trialMemory-optimize.TickSize {
			t.Errorf("%d bytes are left, want all but those of the used trade", memory)
		}
		return nil, full
	})
	if !errors.Is(err, full) {
		t.Errorf("fill: %v, want what reading returned", err)
	}
	kept.close()
	if has(kept, used) || has(kept, next) {
		t.Error("trades are kept after the end")
	}
	if fillWith(t, kept, 4); len(kept.kept) != 0 {
		t.Error("trades are taken after the end")
	}
}

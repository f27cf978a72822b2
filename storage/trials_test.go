package storage_test

import (
	"errors"
	"reflect"
	"testing"

	"hedgehog/exchange"
	"hedgehog/storage"
)

// study returns a study of symbol A.
func study(name string) storage.Study {
	return storage.Study{Name: name, Symbol: "A", Definition: `{"trades":"x"}`, Objective: "profit", Base: `{"chunks":5}`, Changed: 7}
}

func mustPutStudy(tb testing.TB, db *storage.DB, s storage.Study) {
	tb.Helper()
	if err := db.PutStudy(tb.Context(), s); err != nil {
		tb.Fatal(err)
	}
}

func mustPutTrial(tb testing.TB, db *storage.DB, study string, t storage.Trial) {
	tb.Helper()
	if err := db.PutTrial(tb.Context(), study, t); err != nil {
		tb.Fatal(err)
	}
}

// trialOf returns a trial of settings with the profit target.
func trialOf(window int, target string) storage.Trial {
	return storage.Trial{Window: window, In: `{"profit":"1"}`, Out: `{"profit":"-2"}`, Settings: storage.Trading{
		Chunks: 5, Budget: amount("1000"), BuyDownInterval: amount("0"), ProfitTarget: amount(target), RebuyInterval: amount("0.01"),
	}}
}

func TestAStudyIsFoundAgainWithItsTrials(t *testing.T) {
	db := newDB(t)
	mustPutStudy(t, db, study("b"))
	mustPutStudy(t, db, study("a"))
	again := study("a")
	again.Objective, again.Base, again.Changed = "realized", `{"chunks":9}`, 8
	mustPutStudy(t, db, again)
	for _, put := range []storage.Trial{trialOf(1, "0.001"), trialOf(0, "0.002"), trialOf(0, "0.001"), trialOf(0, "0.0010")} {
		mustPutTrial(t, db, "a", put)
	}
	again.Trials = 3 // 0.001 and 0.0010 are the same
	all, err := db.Studies(t.Context())
	if want := []storage.Study{again, study("b")}; err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("studies %+v, %v; want %+v", all, err, want)
	}
	one, err := db.Study(t.Context(), "a")
	if err != nil || one != again {
		t.Errorf("study %+v, %v; want %+v", one, err, again)
	}
	trials, err := db.Trials(t.Context(), "a")
	if want := []storage.Trial{trialOf(0, "0.001"), trialOf(0, "0.002"), trialOf(1, "0.001")}; err != nil || !reflect.DeepEqual(trials, want) {
		t.Errorf("trials %+v, %v; want %+v", trials, err, want)
	}
}

func TestAStudyIsOfOneDefinition(t *testing.T) {
	db := newDB(t)
	mustPutStudy(t, db, study("a"))
	for name, change := range map[string]func(*storage.Study){
		"definition": func(s *storage.Study) { s.Definition = `{"trades":"y"}` },
		"symbol":     func(s *storage.Study) { s.Symbol = "B" },
	} {
		other := study("a")
		change(&other)
		if err := db.PutStudy(t.Context(), other); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("another %s: %v, want ErrConflict", name, err)
		}
	}
}

func TestWhatBelongsToNoStudyIsRefused(t *testing.T) {
	db := newDB(t)
	if err := db.PutTrial(t.Context(), "a", trialOf(0, "0.001")); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("a trial without its study: %v, want ErrRefused", err)
	}
	if _, err := db.Study(t.Context(), "a"); !errors.Is(err, storage.ErrUnknownStudy) {
		t.Errorf("study: %v, want ErrUnknownStudy", err)
	}
	bad := study("a")
	bad.Changed, bad.Definition = exchange.Micros(1), "{"
	if err := db.PutStudy(t.Context(), bad); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("a definition that is not JSON: %v, want ErrRefused", err)
	}
}

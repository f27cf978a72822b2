package sim_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

func journalConfig(tb testing.TB) sim.Config {
	tb.Helper()
	cfg := keptConfig(tb)
	cfg.Journal = filepath.Join(tb.TempDir(), "journal.jsonl")
	return cfg
}

func TestJournalTellsEveryOrdersLife(t *testing.T) {
	cfg := journalConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	_, err := e.Place(request(alice, "filled-off", exchange.Buy, "0.50001", "20"))
	wantRefused(t, err, wire.CodeFilterFailure, "")
	e.Reject(alice, symbol, "late", exchange.Sell, dec("0.5"), dec("20"), "test/2", &wire.Error{Code: wire.CodeTimestamp})

	now := int64(exchange.MicrosOf(cfg.Now()))
	want := []journalLine{
		{now, "order", symbol, 1, "filled", "BUY", "0.5", "20", "NEW", 0, 0, "test/1"},
		{now, "order", symbol, 2, "partial", "BUY", "0.49", "100", "NEW", 0, 0, "test/1"},
		{now, "order", symbol, 3, "rests", "SELL", "0.6", "50", "NEW", 0, 0, "test/1"},
		{now, "order", symbol, 4, "ends", "SELL", "0.6", "50", "NEW", 0, 0, "test/1"},
		{now, "fill", symbol, 1, "filled", "BUY", "0.5", "20", "FILLED", 1, 0, "test/1"},
		{now, "fill", symbol, 2, "partial", "BUY", "0.49", "30", "PARTIALLY_FILLED", 2, 0, "test/1"},
		{now, "cancel", symbol, 4, "ends", "SELL", "0.6", "50", "CANCELED", 0, 0, ""},
		{now, "reject", symbol, 0, "filled-off", "BUY", "0.50001", "20", "REJECTED", 0, -1013, "test/1"},
		{now, "reject", symbol, 0, "late", "SELL", "0.5", "20", "REJECTED", 0, -1021, "test/2"},
	}
	got := readJournal(t, cfg.Journal)
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: %+v\nwant %+v", i+1, got[i], want[i])
		}
	}
}

func TestJournalEntriesAreHandedOnAsTheFileHasThem(t *testing.T) {
	for _, file := range []bool{true, false} {
		cfg := journalConfig(t)
		path := cfg.Journal
		if !file {
			cfg.Journal = ""
		}
		var lines strings.Builder
		encoder := json.NewEncoder(&lines)
		cfg.Journalled = func(entry sim.JournalEntry) {
			if err := encoder.Encode(entry); err != nil {
				t.Error(err)
			}
		}
		e := mustOpen(t, cfg)
		live(t, e)
		_, err := e.Place(request(alice, "bad", exchange.Buy, "0.50001", "20"))
		wantRefused(t, err, wire.CodeFilterFailure, "")
		if got := strings.Count(lines.String(), "\n"); got != 8 {
			t.Errorf("%d entries handed on, want 8:\n%s", got, lines.String())
		}
		if file && lines.String() != readFile(t, path) {
			t.Errorf("handed on:\n%s\nwritten:\n%s", lines.String(), readFile(t, path))
		}
	}
}

func TestRestartContinuesTheJournalAndDropsATornLine(t *testing.T) {
	cfg := journalConfig(t)
	e := mustOpen(t, cfg)
	live(t, e)
	_, err := e.Place(request(alice, "bad", exchange.Buy, "0.50001", "20"))
	wantRefused(t, err, wire.CodeFilterFailure, "")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, cfg.Journal)
	writeFile(t, cfg.Journal, before+`{"time_us":17,"event":"ord`)
	e = mustOpen(t, cfg)
	if got := readFile(t, cfg.Journal); got != before {
		t.Errorf("after the restart:\n%s\nbefore:\n%s", got, before)
	}
	mustPlace(t, e, request(alice, "next", exchange.Buy, "0.5", "20"))
	mustTradeOf(t, e, "0.61", "50") // fills an order of before, whose sender is still known
	lines := readJournal(t, cfg.Journal)[strings.Count(before, "\n"):]
	if len(lines) != 2 || lines[0].ClientID != "next" || lines[1].ClientID != "rests" || lines[1].Agent != "test/1" {
		t.Errorf("lines after the restart: %+v", lines)
	}
}

func TestChangeThatTheJournalMissedIsThereAfterARestart(t *testing.T) {
	changes := map[string]func(*testing.T, *sim.Engine){
		"order": func(t *testing.T, e *sim.Engine) {
			mustPlace(t, e, request(alice, "last", exchange.Buy, "0.3", "20"))
		},
		"fills of one trade": func(t *testing.T, e *sim.Engine) { mustTradeOf(t, e, "0.47", "1000") },
		"cancel": func(t *testing.T, e *sim.Engine) {
			if _, err := e.Cancel(sim.CancelRequest{Account: bob, Ref: exchange.OrderRef{Symbol: symbol, ClientID: "rests"}}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			cfg := journalConfig(t)
			e := mustOpen(t, cfg)
			live(t, e)
			mustPlace(t, e, request(bob, "other", exchange.Buy, "0.48", "20"))
			without := readFile(t, cfg.Journal)
			change(t, e)
			complete := readFile(t, cfg.Journal)
			killed := cfg
			killed.DataDir = copyDir(t, cfg.DataDir)
			// The end came between the state and the journal.
			killed.Journal = filepath.Join(t.TempDir(), "journal.jsonl")
			writeFile(t, killed.Journal, without)
			mustOpen(t, killed)
			if got := readFile(t, killed.Journal); got != complete {
				t.Errorf("journal after the restart:\n%s\nwant:\n%s", got, complete)
			}
		})
	}
}

func TestJournalThatCanNotBeOpenedIsAnError(t *testing.T) {
	cfg := journalConfig(t)
	cfg.Journal = t.TempDir()
	if _, err := sim.New(cfg); err == nil || !strings.Contains(err.Error(), "journal") {
		t.Errorf("error %v, want one of the journal", err)
	}
	// The data directory was let go again.
	cfg.Journal = ""
	mustOpen(t, cfg)
}

func TestOrderThatTheJournalCanNotTakeIsNotAccepted(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skipf("no device to write to in vain: %v", err)
	}
	cfg := journalConfig(t)
	cfg.Journal = full
	cfg.Journalled = func(entry sim.JournalEntry) {
		t.Errorf("an order that was not accepted was handed on: %+v", entry)
	}
	e := mustOpen(t, cfg)
	reports := 0
	defer e.SubscribeReports(alice, func(*sim.Report) { reports++ })()
	_, err := e.Place(request(alice, "a", exchange.Buy, "0.5", "20"))
	wantRefused(t, err, wire.CodeUnknown, "")
	if !strings.Contains(err.Error(), full) || !errors.Is(err, exchange.ErrUnavailable) {
		t.Errorf("error %v, want one that names %s and is ErrUnavailable", err, full)
	}
	if open := e.OpenOrders(alice, ""); len(open) != 0 || reports != 0 {
		t.Errorf("%d open orders and %d reports of an order that was not accepted", len(open), reports)
	}
	wantBalance(t, e, alice, "USDT", "1000", "0")
	mustTrade(t, e, "0.4") // no order, no line
	killed := cfg
	killed.DataDir, killed.Journal = copyDir(t, cfg.DataDir), ""
	if orders := mustOpen(t, killed).AllOrders(alice, symbol, sim.OrderQuery{}); len(orders) != 0 {
		t.Errorf("after a restart: %+v", orders)
	}
}

func TestTradeWhoseFillsTheJournalCanNotTakeDoesNotPass(t *testing.T) {
	cfg := journalConfig(t)
	e := mustOpen(t, cfg)
	o := mustPlace(t, e, request(alice, "a", exchange.Buy, "0.5", "20"))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	err := e.Trade(exchange.TradeEvent{Symbol: symbol, ID: 1, Price: dec("0.4"), Quantity: dec("100")})
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want %v", err, os.ErrClosed)
	}
	wantOrder(t, e, alice, o.ID, exchange.New, "0")
	_, err = e.Cancel(sim.CancelRequest{Account: alice, Ref: exchange.OrderRef{Symbol: symbol, ID: o.ID}})
	wantRefused(t, err, wire.CodeUnknown, "")
	wantOrder(t, e, alice, o.ID, exchange.New, "0")
}

func readFile(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func writeFile(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

package judge_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node/judge"
)

func TestAJournalIsReadBackAsItWasWritten(t *testing.T) {
	var file bytes.Buffer
	encoder := json.NewEncoder(&file)
	var want []sim.JournalEntry
	for _, e := range goodRun(t).events {
		if e.entry == nil {
			continue
		}
		want = append(want, *e.entry)
		if err := encoder.Encode(e.entry); err != nil {
			t.Fatal(err)
		}
	}
	file.WriteString(`{"time_us":17,"event":"ord`) // the exchange is still writing
	got, err := judge.ReadJournal(&file)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d entries and error %v, want %d", len(got), err, len(want))
	}
	for i := range want {
		if !got[i].Price.Equal(want[i].Price) || !got[i].Quantity.Equal(want[i].Quantity) {
			t.Errorf("entry %d: %+v, want %+v", i, got[i], want[i])
		}
		got[i].Price, got[i].Quantity = want[i].Price, want[i].Quantity
		if got[i] != want[i] {
			t.Errorf("entry %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestALineThatIsNoEntryIsAnErrorThatNamesIt(t *testing.T) {
	const fine = `{"time_us":1,"event":"order","side":"BUY","price":"0.5","quantity":"20","status":"NEW"}` + "\n"
	for _, line := range []string{
		"", "17", "{", `{"event":"gift","side":"BUY","status":"NEW"}`, `{"event":"fill","side":"UP","status":"NEW"}`,
		`{"event":"order","side":"BUY","status":"OLD"}`, `{"event":"order","side":"BUY","status":"NEW","price":"1e1000000000"}`,
		`{"event":"order","side":"BUY","status":"NEW","quantity":"` + strings.Repeat("9", 40) + `"}`,
	} {
		entries, err := judge.ReadJournal(strings.NewReader(fine + line + "\n"))
		if err == nil || !strings.Contains(err.Error(), "line 2") || entries != nil {
			t.Errorf("%q: %d entries and error %v, want one that names line 2", line, len(entries), err)
		}
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add([]byte(`{"time_us":1,"event":"order","symbol":"XRPUSDT","order_id":1,"client_order_id":"hh-1-0-B1","side":"BUY","price":"0.5","quantity":"20","status":"NEW"}` + "\n" +
		`{"time_us":2,"event":"fill","symbol":"XRPUSDT","order_id":1,"client_order_id":"hh-1-0-B1","side":"BUY","price":"0.5","quantity":"20","status":"FILLED","trade_id":1}` + "\n"))
	f.Add([]byte(`{"event":"reject","symbol":"XRPUSDT","status":"REJECTED","code":-1021}` + "\n"))
	f.Add([]byte(`{"event":"cancel","symbol":"XRPUSDT","side":"SELL","status":"CANCELED","price":"-1","quantity":"-1"}` + "\n"))
	rules, err := sim.SymbolFor(symbol)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := judge.ReadJournal(bytes.NewReader(content))
		if err != nil {
			return
		}
		j, err := judge.New(judge.DefaultConfig([]exchange.Symbol{rules}))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			j.Journal(e)
		}
		j.Stored(judge.End{})
		if c := j.Counts(); len(entries) < c.Orders+c.Fills+c.Cancels+c.Rejects {
			t.Errorf("%d entries gave %+v", len(entries), c)
		}
	})
}

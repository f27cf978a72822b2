package optimize_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
)

// encoded returns the trades as they are written.
func encoded(tb interface{ Fatal(...any) }, trades *optimize.Trades) []byte {
	var b bytes.Buffer
	if err := trades.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// digest returns the digest of the trades.
func digest(tb testing.TB, trades *optimize.Trades) string {
	tb.Helper()
	text, err := trades.Digest(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestTradesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trades := optimize.NewTrades(1 << 20)
		tick := exchange.Tick{}
		for range rapid.IntRange(0, 100).Draw(t, "trades") {
			tick.ID += rapid.Int64Range(1, 1<<40).Draw(t, "id")
			tick.Time += exchange.Micros(rapid.Int64Range(1, 1<<50).Draw(t, "time"))
			tick.Price = exchange.Units(rapid.Int64Range(1, 1<<63-1).Draw(t, "price"))
			tick.Quantity = exchange.Units(rapid.Int64Range(1, 1<<63-1).Draw(t, "quantity"))
			tick.BuyerIsMaker = rapid.Bool().Draw(t, "maker")
			if err := trades.Add([]exchange.Tick{tick}); err != nil {
				t.Fatal(err)
			}
		}
		again, err := optimize.ReadTrades(bytes.NewReader(encoded(t, trades)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		one, _ := trades.Digest(t.Context())
		other, _ := again.Digest(t.Context())
		if one != other || again.Count() != trades.Count() {
			t.Errorf("%d trades %s, want %d %s", again.Count(), other, trades.Count(), one)
		}
	})
}

func TestATradeTakesAboutTenBytes(t *testing.T) {
	if n := len(encoded(t, waves(t, 1000))); n > 14_000 {
		t.Errorf("1000 trades take %d bytes", n)
	}
}

func TestTradesThatAreCutShortAreRefused(t *testing.T) {
	whole := encoded(t, waves(t, 20))
	for n := range whole {
		if _, err := optimize.ReadTrades(bytes.NewReader(whole[:n]), 1<<20); !errors.Is(err, optimize.ErrMalformed) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d of %d bytes: %v, want ErrMalformed and that the end is missing", n, len(whole), err)
		}
	}
	if _, err := optimize.ReadTrades(bytes.NewReader(append(whole, 0)), 1<<20); !errors.Is(err, optimize.ErrMalformed) {
		t.Errorf("a byte more: %v, want ErrMalformed", err)
	}
	if _, err := optimize.ReadTrades(bytes.NewReader(whole), 19*optimize.TickSize); !errors.Is(err, optimize.ErrMemory) {
		t.Errorf("memory for one trade fewer: %v, want ErrMemory", err)
	}
}

func FuzzReadTrades(f *testing.F) {
	f.Add(encoded(f, waves(f, 3)))
	f.Add([]byte{1, 2, 2, 2, 2, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, content []byte) {
		trades, err := optimize.ReadTrades(bytes.NewReader(content), 1<<20)
		if err != nil {
			if !errors.Is(err, optimize.ErrMalformed) && !errors.Is(err, optimize.ErrMemory) {
				t.Fatalf("error %v, want ErrMalformed or ErrMemory", err)
			}
			return
		}
		again, err := optimize.ReadTrades(bytes.NewReader(encoded(t, trades)), 1<<20)
		if err != nil || digest(t, again) != digest(t, trades) {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}

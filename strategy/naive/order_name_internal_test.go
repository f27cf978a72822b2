package naive

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hedgehog/exchange"
)

func TestPositionsOfTwoSymbolsThatStartAtOneTimeBearDifferentIDs(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	seen := make(map[PositionID]string)
	for _, symbol := range []string{"BTCUSDT", "ETHUSDT", "BNBUSDT", "XRPUSDT", "XRPETH", "SOLUSDT", "DOGEUSDT", "LTCUSDT"} {
		id := newPositionID(symbol, now, 0)
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s both have the id %s", symbol, other, id)
		}
		seen[id] = symbol
	}
}

func TestPositionIDsRiseAndTellTheTimeOfTheStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		symbol := rapid.StringMatching("[A-Z0-9]{1,20}").Draw(t, "symbol")
		now := time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "ms"))
		first := newPositionID(symbol, now, 0)
		if first.start() != exchange.MicrosOf(now) {
			t.Errorf("id %s starts at %d, want %d", first, first.start(), exchange.MicrosOf(now))
		}
		second := newPositionID(symbol, now, first)
		if second <= first || newPositionID(symbol, now.Add(2*time.Millisecond), second) <= second {
			t.Errorf("ids do not rise behind %s and %s", first, second)
		}
		longest := OrderName{Position: second, Parent: first, Side: exchange.Sell, Attempt: 1<<15 - 1}.String()
		if len(longest) > 36 {
			t.Errorf("the client order id %s is longer than the exchange takes", longest)
		}
	})
}

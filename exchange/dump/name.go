package dump

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"hedgehog/exchange"
)

// Kind says what the lines of a dump are.
type Kind uint8

const (
	// Trades are single trades.
	Trades Kind = iota
	// AggTrades are aggregate trades: what one order took at one price.
	AggTrades
	// Klines are candles.
	Klines
)

// String returns the exchange's name for the kind.
func (k Kind) String() string {
	switch k {
	case Trades:
		return "trades"
	case AggTrades:
		return "aggTrades"
	case Klines:
		return "klines"
	default:
		return "unknown"
	}
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Name is what the name of a dump's file says of it.
type Name struct {
	Symbol  string
	Kind    Kind
	Minutes int // length of the candles of Klines, one of exchange.CandleMinutes; else 0
}

// intervals are the lengths of klines that the exchange publishes, with those in
// minutes that Hedgehog has candles of.
var intervals = map[string]int{
	"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440,
	"1s": 0, "3m": 0, "30m": 0, "2h": 0, "6h": 0, "8h": 0, "12h": 0, "3d": 0, "1w": 0, "1mo": 0,
}

// NameOf reads the name of a dump's file, such as XRPETH-aggTrades-2019-10-11.zip or
// XRPETH-1m-2019-10.csv. One that begins with a symbol and names no kind holds
// trades. Klines of a length that Hedgehog has no candles of are an error.
func NameOf(path string) (Name, error) {
	symbol, err := SymbolOf(path)
	if err != nil {
		return Name{}, err
	}
	kind := filepath.Base(path)[len(symbol)+1:]
	if end := strings.IndexAny(kind, "-."); end >= 0 {
		kind = kind[:end]
	}
	minutes, klines := intervals[kind]
	switch {
	case kind == AggTrades.String():
		return Name{Symbol: symbol, Kind: AggTrades}, nil
	case klines && !slices.Contains(exchange.CandleMinutes[:], minutes):
		return Name{}, fmt.Errorf("dump %s: klines of %s: want 1m, 5m, 15m, 1h, 4h or 1d, the candles that Hedgehog has", path, kind)
	case klines:
		return Name{Symbol: symbol, Kind: Klines, Minutes: minutes}, nil
	default:
		return Name{Symbol: symbol, Kind: Trades}, nil
	}
}

// SymbolOf returns the symbol that a dump is of: its file name up to the first
// "-", as in XRPETH-trades-2019-10-11.zip.
func SymbolOf(path string) (string, error) {
	name := filepath.Base(path)
	symbol, _, found := strings.Cut(name, "-")
	if !found || !exchange.ValidSymbolName(symbol) {
		return "", fmt.Errorf("dump %s: the file name does not start with a symbol and a \"-\", as in XRPETH-trades-2019-10-11.csv", path)
	}
	return symbol, nil
}

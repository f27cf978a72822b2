package sim_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/wire"
)

func TestBuiltInRulesOfSymbols(t *testing.T) {
	cases := []struct{ name, base, quote, tick, step, minNotional string }{
		{"XRPUSDT", "XRP", "USDT", "0.0001", "0.1", "5"},
		{"XRPETH", "XRP", "ETH", "0.00000001", "1", "0.005"},
		{"BNBBTC", "BNB", "BTC", "0.000001", "0.001", "0.0001"},
		{"DOTBNB", "DOT", "BNB", "0.0001", "0.1", "0.05"},
		{"ABCFDUSD", "ABC", "FDUSD", "0.0001", "0.1", "5"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := mustSymbol(t, c.name)
			if s.BaseAsset != c.base || s.QuoteAsset != c.quote || s.Status != "TRADING" {
				t.Errorf("symbol %+v", s)
			}
			if f := s.Filters; !f.TickSize.Equal(dec(c.tick)) || !f.StepSize.Equal(dec(c.step)) || !f.MinNotional.Equal(dec(c.minNotional)) {
				t.Errorf("tick %s, step %s, least worth %s", f.TickSize, f.StepSize, f.MinNotional)
			}
		})
	}
	for _, name := range []string{"USDT", "ABCXYZ", "xrpusdt", ""} {
		if _, err := sim.SymbolFor(name); err == nil {
			t.Errorf("%q has built-in rules, want an error", name)
		}
	}
}

func TestUnitsOfAnUnknownSymbolComeFromItsDump(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ABCETH-trades-2019-10-11.csv")
	writeFile(t, path, "1,0.00141000,23.00,0.03,1570752011620,True,True\nnonsense\n2,0.0014250,23.10,0.03,1570752011620,True,True\n")
	s, err := sim.SymbolOfDump(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "ABCETH" || !s.Filters.TickSize.Equal(dec("0.000001")) || !s.Filters.StepSize.Equal(dec("0.1")) {
		t.Errorf("%s has the tick %s and the step %s", s.Name, s.Filters.TickSize, s.Filters.StepSize)
	}
	known, err := sim.SymbolOfDump("XRPUSDT-trades-2019-10-11.csv")
	if err != nil || !known.Filters.TickSize.Equal(dec("0.0001")) {
		t.Errorf("%+v, %v", known, err)
	}
	if _, err := sim.SymbolOfDump(filepath.Join(t.TempDir(), "ABCETH-none.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the file is not there", err)
	}
}

func TestBuiltInInfoIsWrittenAndReadAsTheExchanges(t *testing.T) {
	info := sim.InfoFor([]exchange.Symbol{mustSymbol(t, symbol)})
	document, err := wire.MarshalExchangeInfo(info)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), `"limit":61000`) {
		t.Errorf("no limit of raw requests in %s", document)
	}
	read, err := wire.ParseExchangeInfo(document)
	if err != nil {
		t.Fatal(err)
	}
	if f := read.Symbols[0].Filters; f.NotionalFilter != "NOTIONAL" || f.PercentPriceFilter != "PERCENT_PRICE" || f.MaxNumOrders != 200 {
		t.Errorf("filters %+v", f)
	}
}

package server

import (
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

func (s *Server) ping(*request) (any, error) { return struct{}{}, nil }

func (s *Server) time(r *request) (any, error) {
	return struct {
		ServerTime int64 `json:"serverTime"`
	}{s.stamp(r.unit)}, nil
}

// stamp returns the time now in the client's unit.
func (s *Server) stamp(u timeUnit) int64 { return u.of(exchange.MicrosOf(s.now())) }

func (s *Server) exchangeInfo(r *request) (any, error) {
	symbols, _ := r.symbols(s)
	if r.err != nil {
		return nil, r.err
	}
	info := s.info
	info.Symbols = symbols
	info.ServerTime = exchange.MicrosOf(s.now())
	if r.unit == micros {
		// The document gives its time in milliseconds. A number a thousand times as
		// large makes that microseconds.
		info.ServerTime *= 1000
	}
	document, err := wire.MarshalExchangeInfo(info)
	return json.RawMessage(document), err
}

// symbols returns the symbols that the parameter symbol or symbols names, all
// when there is neither, and whether it is one by symbol.
func (r *request) symbols(s *Server) (symbols []exchange.Symbol, single bool) {
	switch {
	case r.has("symbol") && r.has("symbols"):
		r.fail(refuse(codeParameterCombination, "Combination of optional parameters invalid."))
		return nil, false
	case r.has("symbol"):
		return []exchange.Symbol{r.symbol(s)}, true
	case !r.has("symbols"):
		return s.info.Symbols, false
	}
	var names []string
	if err := json.Unmarshal([]byte(r.params["symbols"]), &names); err != nil {
		r.fail(refuse(wire.CodeIllegalChars, `Illegal characters found in parameter 'symbols'; legal range is '^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'.`))
		return nil, false
	}
	for i, name := range names {
		symbol, known := s.markets[name]
		switch {
		case !known:
			r.fail(invalidSymbol())
		case slices.Contains(names[:i], name):
			r.fail(refuse(codeDuplicateSymbols, "Symbol is present multiple times in the list."))
		}
		symbols = append(symbols, symbol)
	}
	return symbols, false
}

type tradeJSON struct {
	ID           int64 `json:"id"`
	Price        fixed `json:"price"`
	Quantity     fixed `json:"qty"`
	Quote        fixed `json:"quoteQty"`
	Time         int64 `json:"time"`
	IsBuyerMaker bool  `json:"isBuyerMaker"`
	IsBestMatch  bool  `json:"isBestMatch"`
}

// trades answers both the recent and the older trades: from fromId upwards, or
// the latest ones. An id of 0 is sent to get the first that there is.
func (s *Server) trades(r *request) (any, error) {
	symbol, fromID, limit := r.symbol(s), r.integer("fromId"), r.limit()
	if r.err != nil {
		return nil, r.err
	}
	if r.has("fromId") {
		fromID = max(fromID, 1)
	}
	trades, err := s.engine.Trades(symbol.Name, fromID, limit)
	if err != nil {
		return nil, err
	}
	answer := make([]tradeJSON, 0, len(trades))
	for _, t := range trades {
		answer = append(answer, tradeJSON{
			ID: t.ID, Price: fixed{t.Price}, Quantity: fixed{t.Quantity}, Quote: fixed{t.Price.Mul(t.Quantity)},
			Time: r.unit.of(t.TradeTime), IsBuyerMaker: t.BuyerIsMaker, IsBestMatch: true,
		})
	}
	return answer, nil
}

func (s *Server) avgPrice(r *request) (any, error) {
	symbol := r.symbol(s)
	if r.err != nil {
		return nil, r.err
	}
	minutes, price, last, err := s.engine.AveragePrice(symbol.Name)
	return struct {
		Minutes   int   `json:"mins"`
		Price     fixed `json:"price"`
		CloseTime int64 `json:"closeTime"`
	}{minutes, fixed{price.Round(places)}, r.unit.of(last)}, err
}

type priceJSON struct {
	Symbol string `json:"symbol"`
	Price  fixed  `json:"price"`
}

// tickerPrice answers with the last price of one symbol, or of several: those
// that have traded.
func (s *Server) tickerPrice(r *request) (any, error) {
	symbols, single := r.symbols(s)
	if r.err != nil {
		return nil, r.err
	}
	prices := make([]priceJSON, 0, len(symbols))
	for _, symbol := range symbols {
		trades, err := s.engine.Trades(symbol.Name, 0, 1)
		if err != nil {
			return nil, err
		}
		price := decimal.Zero
		if len(trades) > 0 {
			price = trades[len(trades)-1].Price
		} else if !single {
			continue
		}
		prices = append(prices, priceJSON{symbol.Name, fixed{price}})
	}
	if single {
		return prices[0], nil
	}
	return prices, nil
}

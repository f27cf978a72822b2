package top

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

// keptEvents is how many of the cluster's events are kept.
const keptEvents = 500

// Trades a second are counted over rateOver, and not over less than rateAtLeast, as
// when a node that hung tells all at once.
const (
	rateOver    = 5 * time.Second
	rateAtLeast = 500 * time.Millisecond
)

// State is what is known of the cluster.
type State struct {
	client  *api.Client // of the node that tells; nil: none does
	address string      // of that node, or of the last one that did or was tried
	trouble string      // why none does
	since   time.Time   // when that began
	refused error       // access, which ends it all

	cluster  *api.ClusterStatus // nil: not known yet
	owners   []api.ClusterSymbol
	status   *api.Status // nil: not known yet
	missing  []string    // nodes that status lacks
	events   []api.ClusterEvent
	prices   map[string]decimal.Decimal
	profits  map[string]api.Profit
	counts   map[string][]count // of trades, by symbol, oldest first
	nodeTime exchange.Micros

	ownersKnown  bool
	eventsKnown  bool // of the node that tells now
	profitsAsked bool
	looks        int // at the nodes' status
}

// count is how many trades had been published at a moment.
type count struct {
	at     time.Time
	trades int64
}

func newState(address string) *State {
	return &State{address: address, prices: make(map[string]decimal.Decimal), counts: make(map[string][]count)}
}

// apply takes what a follower tells.
func (s *State) apply(what any) {
	switch what := what.(type) {
	case connected:
		s.client, s.address, s.trouble, s.eventsKnown = what.client, what.client.Address(), "", false
	case lost:
		s.client, s.address = nil, what.address
		if s.trouble == "" {
			s.since = what.at
		}
		s.trouble = clean(what.err.Error())
		if refused(what.err) {
			s.refused = what.err
		}
	case told:
		if err := s.hear(what); err != nil {
			s.trouble, s.since = clean(err.Error()), what.at
		}
	case traded:
		maps.Copy(s.prices, what)
	case earned:
		s.profitsAsked = true
		if what == nil {
			return // what was known is better than nothing
		}
		s.profits = make(map[string]api.Profit)
		for _, p := range what {
			s.profits[p.Symbol] = p
		}
	}
}

// hear takes what a node has told.
func (s *State) hear(what told) error {
	var err error
	switch what.frame.Kind {
	case api.LiveCluster:
		s.cluster = new(api.ClusterStatus)
		err = json.Unmarshal(what.frame.Data, s.cluster)
	case api.LiveSymbols:
		s.owners, s.ownersKnown = nil, true
		err = json.Unmarshal(what.frame.Data, &s.owners)
	case api.LiveStatus:
		s.status, s.missing = new(api.Status), what.frame.Missing
		err = json.Unmarshal(what.frame.Data, s.status)
		s.looks++
		s.countTrades(what.at)
	case api.LiveEvents:
		var events []api.ClusterEvent
		err = json.Unmarshal(what.frame.Data, &events)
		s.addEvents(events)
	case api.LiveBeat:
		s.nodeTime = what.frame.TimeUS
	case api.LiveError:
		err = fmt.Errorf("%s", what.frame.Error)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what.frame.Kind, err)
	}
	if s.client != nil {
		s.trouble = ""
	}
	return nil
}

// addEvents adds events. What another node told is forgotten: each has its own times.
func (s *State) addEvents(events []api.ClusterEvent) {
	if !s.eventsKnown {
		s.events = nil
	}
	s.eventsKnown = true
	s.events = append(s.events, events...)
	s.events = slices.Clone(s.events[max(0, len(s.events)-keptEvents):])
}

// countTrades notes how many trades there were at that moment.
func (s *State) countTrades(at time.Time) {
	counts := make(map[string][]count)
	for _, symbol := range s.status.Symbols {
		now := count{at, symbol.TradesPublished}
		earlier := s.counts[symbol.Symbol]
		if len(earlier) > 0 && earlier[len(earlier)-1].trades > now.trades {
			earlier = nil // another owner counts, or the same one anew
		}
		for len(earlier) > 1 && at.Sub(earlier[0].at) > rateOver && at.Sub(earlier[1].at) >= rateAtLeast {
			earlier = earlier[1:]
		}
		counts[symbol.Symbol] = append(slices.Clone(earlier), now)
	}
	s.counts = counts
}

// rate returns the trades a second of a symbol, and whether that is known.
func (s *State) rate(symbol string) (float64, bool) {
	counts := s.counts[symbol]
	if len(counts) < 2 {
		return 0, false
	}
	first, last := counts[0], counts[len(counts)-1]
	over := last.at.Sub(first.at)
	if over < rateAtLeast {
		return 0, false
	}
	return float64(last.trades-first.trades) / over.Seconds(), true
}

// Row is what there is to say of one symbol.
type Row struct {
	Symbol string `json:"symbol"`
	// Node owns it; empty: nobody. Next is whom it is being handed to, Pin the node
	// that it is bound to.
	Node string `json:"node"`
	Next string `json:"next,omitempty"`
	Pin  string `json:"pin,omitempty"`
	// Assigned is false for a symbol for which something is on and which has no owner
	// because nobody has asked for one.
	Assigned bool `json:"assigned"`
	// Price is that of the latest trade; nil: not known.
	Price *decimal.Decimal `json:"price"`
	// TradesPerSecond is counted over up to five seconds; nil: not known.
	TradesPerSecond *float64 `json:"trades_per_second"`
	OpenPositions   int      `json:"open_positions"`
	// Profit and ProfitDay, in the quote asset, are what trading has brought in all and
	// in the last 24 hours; nil: not known, as where there never was a position.
	Profit     *decimal.Decimal `json:"profit"`
	ProfitDay  *decimal.Decimal `json:"profit_day"`
	QuoteAsset string           `json:"quote_asset,omitempty"`
	// State is trading, shutdown, collecting, streaming or off.
	State string `json:"state"`
	// Trouble says what is wrong, where something is.
	Trouble string `json:"trouble,omitempty"`

	status *api.SymbolStatus // nil: nothing is on
}

// rows returns what there is to say of the symbols that are assigned and of those for
// which anything is on, by name.
func (s *State) rows() []Row {
	rows := make(map[string]Row)
	for _, o := range s.owners {
		rows[o.Symbol] = Row{Symbol: o.Symbol, Node: o.Node, Next: o.Next, Pin: o.Pin, Assigned: o.Active, State: "off"}
	}
	if s.status != nil {
		for i := range s.status.Symbols {
			status := &s.status.Symbols[i]
			row := rows[status.Symbol]
			row.Symbol, row.OpenPositions, row.State, row.status = status.Symbol, status.OpenPositions, doing(status), status
			rows[row.Symbol] = row
		}
	}
	sorted := make([]Row, 0, len(rows))
	for _, symbol := range slices.Sorted(maps.Keys(rows)) {
		row := rows[symbol]
		row.Trouble = row.trouble()
		s.addFigures(&row)
		sorted = append(sorted, row)
	}
	return sorted
}

// addFigures adds price, rate and profits where they are known.
func (s *State) addFigures(row *Row) {
	if rate, ok := s.rate(row.Symbol); ok {
		row.TradesPerSecond = &rate
	}
	if profit, ok := s.profits[row.Symbol]; ok {
		row.Profit, row.ProfitDay, row.QuoteAsset, row.Price = &profit.Profit, &profit.ProfitDay, profit.QuoteAsset, profit.LastPrice
	}
	if price, ok := s.prices[row.Symbol]; ok {
		row.Price = &price
	}
}

// doing says in a word or two what is on for a symbol.
func doing(s *api.SymbolStatus) string {
	switch {
	case s.Trading.Status == "on":
		return "trading"
	case s.Trading.Status == "shutdown":
		return "shutdown"
	case s.Streaming && s.Collecting.Any():
		return "collecting"
	case s.Streaming:
		return "streaming"
	default:
		return "off"
	}
}

// trouble says what is wrong with a symbol; empty: nothing.
func (r Row) trouble() string {
	switch {
	case !r.Assigned && r.State != "off":
		return "no node is to have it: assign it with a"
	case r.Node == "" && r.Assigned:
		return "it has no owner yet"
	case r.status == nil:
		return ""
	case r.status.TradingError != "":
		return "the latest order could not be placed: " + clean(r.status.TradingError)
	case !r.status.Streaming && r.status.Trading.Status != "off":
		return "its trades don't come in: switch its stream on"
	}
	for _, part := range r.status.Parts {
		if part.Restarts > 0 {
			return fmt.Sprintf("%s has started again %d times, the last time after: %s", clean(part.Name), part.Restarts, clean(part.LastError))
		}
	}
	return ""
}

// earnedToday sums up the profits of the last 24 hours by quote asset: "1.5 USDT, 0.02 ETH".
func (s *State) earnedToday() string {
	sums := make(map[string]decimal.Decimal)
	for _, p := range s.profits {
		if p.QuoteAsset != "" {
			sums[p.QuoteAsset] = sums[p.QuoteAsset].Add(p.ProfitDay)
		}
	}
	var texts []string
	for _, asset := range slices.Sorted(maps.Keys(sums)) {
		texts = append(texts, amount(sums[asset], 8)+" "+clean(asset))
	}
	return strings.Join(texts, ", ")
}

// amount returns an amount that is as exact as the width allows.
func amount(d decimal.Decimal, width int) string {
	text := d.String()
	for places := int32(8); len(text) > width && places >= 0; places-- {
		text = d.Round(places).String()
	}
	return text
}

// clean returns a text of others without what a terminal would take for a command.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

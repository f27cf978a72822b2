package storage

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

const (
	maxWeight = 1_000_000
	maxText   = 255 // bytes of a name that is not ours to rule
)

// nodeName is what a node may be called.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// refused returns ErrRefused with the field, its value and what would be right.
func refused(field string, value any, want string) error {
	return fmt.Errorf("%w: %s %v: want %s", ErrRefused, field, value, want)
}

// firstError returns the first error that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// validate returns ErrRefused for a command that no state would allow. The same
// rules stand in the schema, except where SQL can't say them.
// maxProposal is how long the name of a proposal may be: a node's name and
// three numbers, in bytes.
const maxProposal = 128

func (c Command) validate() error {
	if len(c.Proposal) > maxProposal {
		return refused("proposal", c.Proposal, fmt.Sprintf("at most %d bytes", maxProposal))
	}
	var set []interface{ validate() error }
	if len(c.Seed) > 0 {
		set = append(set, symbolList(c.Seed))
	}
	if c.Settings != nil {
		set = append(set, c.Settings)
	}
	if c.Assigned != nil {
		set = append(set, c.Assigned)
	}
	if c.Pin != nil {
		set = append(set, c.Pin)
	}
	if c.Member != nil {
		set = append(set, c.Member)
	}
	if len(c.Assign) > 0 {
		set = append(set, assignmentList(c.Assign))
	}
	if c.Positions != nil {
		set = append(set, c.Positions)
	}
	if c.Watermarks != nil {
		set = append(set, c.Watermarks)
	}
	if c.Token != nil {
		set = append(set, c.Token)
	}
	if len(set) != 1 {
		return refused("command with", len(set), "exactly one change")
	}
	return set[0].validate()
}

type symbolList []string

func (l symbolList) validate() error {
	for _, s := range l {
		if err := validSymbol(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *SettingsChange) validate() error {
	if err := validSymbol(c.Symbol); err != nil {
		return err
	}
	if c.ExpectTradingStatus != "" {
		if err := validStatus("expect_trading_status", TradingStatus(c.ExpectTradingStatus)); err != nil {
			return err
		}
	}
	// What is not changed is valid already: these stand for it.
	s := Settings{Trading: Trading{Status: TradingOff, Chunks: 1, Budget: decimal.New(1, 0), ProfitTarget: decimal.New(1, 0)}}
	c.change(&s)
	return s.Trading.validate()
}

func (t Trading) validate() error {
	if t.Chunks < 1 || t.Chunks > 100 {
		return refused("chunks", t.Chunks, "1 to 100")
	}
	return firstError(validStatus("trading_status", t.Status), positive("budget", t.Budget), share("buy_down_interval", t.BuyDownInterval),
		positive("profit_target", t.ProfitTarget), share("rebuy_interval", t.RebuyInterval))
}

func (c *AssignedChange) validate() error {
	if len(c.Symbols) == 0 {
		return refused("symbols", c.Symbols, "one or more")
	}
	return firstError(symbolList(c.Symbols).validate(), validWeight(c.Weight))
}

func (c *PinChange) validate() error {
	return firstError(validSymbol(c.Symbol), validNode("node", c.Node, true))
}

func (c *MemberChange) validate() error {
	if c.Remove && *c != (MemberChange{Name: c.Name, Remove: true}) {
		return refused("remove", c.Remove, "no other change of the member beside it")
	}
	if c.Address != "" {
		if _, _, err := net.SplitHostPort(c.Address); err != nil || validText("address", c.Address) != nil {
			return refused("address", fmt.Sprintf("%.40q", c.Address), "host:port")
		}
	} else if c.Zone != "" {
		return refused("zone", fmt.Sprintf("%.40q", c.Zone), "an address beside it")
	}
	return firstError(validNode("name", c.Name, false), validText("zone", c.Zone), validWeight(c.Weight), validNumber("time", int64(c.Time), 0))
}

type assignmentList []Assignment

func (l assignmentList) validate() error {
	for _, a := range l {
		err := firstError(validSymbol(a.Symbol), validNode("node", a.Node, true), validNode("next", a.Next, true),
			validNumber("run", a.Run, 0), validNumber("epoch", a.Epoch, 1), validNumber("since", int64(a.Since), 0))
		if err != nil {
			return fmt.Errorf("assignment of %s: %w", a.Symbol, err)
		}
	}
	return nil
}

func (c *PositionsChange) validate() error {
	if err := firstError(validNode("node", c.Node, false), validEpochs(c.Epochs)); err != nil {
		return err
	}
	if c.Revision < 0 {
		return refused("revision", c.Revision, "0 or more")
	}
	for _, p := range c.Positions {
		if err := firstError(p.validate(), hasEpoch(c.Epochs, p.Symbol)); err != nil {
			return fmt.Errorf("%s position %s: %w", p.Symbol, p.ID, err)
		}
	}
	return nil
}

func (p Position) validate() error {
	switch p.State {
	case PositionOpen, PositionFinished, PositionDropped:
	default:
		return refused("state", p.State, "open, finished or dropped")
	}
	if p.ID == "" {
		return refused("id", `""`, "one that is not empty")
	}
	return firstError(validText("id", p.ID), validText("parent", p.Parent), validText("buy_client_id", p.BuyClientID),
		validText("sell_client_id", p.SellClientID), validNumber("slot", int64(p.Slot), 0), validNumber("start_time", int64(p.StartTime), 0),
		validNumber("end_time", int64(p.EndTime), 0), validAmount("profit", p.Profit))
}

func (c *WatermarksChange) validate() error {
	if err := firstError(validNode("node", c.Node, false), validEpochs(c.Epochs)); err != nil {
		return err
	}
	for _, symbol := range slices.Sorted(maps.Keys(c.Watermarks)) {
		if err := firstError(validNumber("watermark of "+symbol, c.Watermarks[symbol], 0), hasEpoch(c.Epochs, symbol)); err != nil {
			return err
		}
	}
	return nil
}

func validEpochs(epochs map[string]int64) error {
	for _, symbol := range slices.Sorted(maps.Keys(epochs)) {
		if err := firstError(validSymbol(symbol), validNumber("epoch of "+symbol, epochs[symbol], 1)); err != nil {
			return err
		}
	}
	return nil
}

func hasEpoch(epochs map[string]int64, symbol string) error {
	if epochs[symbol] == 0 {
		return refused("epoch of", symbol, "one beside the symbol's change")
	}
	return nil
}

func validSymbol(s string) error {
	if !exchange.ValidSymbolName(s) {
		return refused("symbol", fmt.Sprintf("%q", s), "a symbol's name")
	}
	return nil
}

func validNode(field, name string, orNone bool) error {
	if orNone && name == "" || nodeName.MatchString(name) {
		return nil
	}
	return refused(field, fmt.Sprintf("%q", name), "1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit")
}

func validText(field, s string) error {
	if len(s) > maxText || !utf8.ValidString(s) {
		return refused(field, fmt.Sprintf("%.40q", s), fmt.Sprint("at most ", maxText, " bytes of UTF-8"))
	}
	return nil
}

func validWeight(w int) error {
	if w < 0 || w > maxWeight {
		return refused("weight", w, fmt.Sprint("1 to ", maxWeight, ", or 0 to leave it"))
	}
	return nil
}

func validNumber(field string, n, least int64) error {
	if n < least {
		return refused(field, n, fmt.Sprint(least, " or more"))
	}
	return nil
}

func validStatus(field string, s TradingStatus) error {
	switch s {
	case TradingOff, TradingOn, TradingShutdown:
		return nil
	default:
		return refused(field, fmt.Sprintf("%q", s), "off, on or shutdown")
	}
}

// positive refuses an amount that is not above 0.
func positive(field string, d decimal.Decimal) error {
	if err := validAmount(field, d); err != nil || d.Sign() > 0 {
		return err
	}
	return refused(field, d, "more than 0")
}

// share refuses an amount that is no share of a price.
func share(field string, d decimal.Decimal) error {
	if err := validAmount(field, d); err != nil || !d.IsNegative() && d.LessThan(decimal.New(1, 0)) {
		return err
	}
	return refused(field, d, "0 or more and less than 1")
}

// validAmount refuses an amount whose text, or the comparing of which, would take
// memory out of all proportion.
func validAmount(field string, d decimal.Decimal) error {
	if e := d.Exponent(); e < -60 || e > 20 || d.Coefficient().BitLen() > 256 {
		return refused(field, "of its size", "at most 60 decimal places and 256 bits")
	}
	return nil
}

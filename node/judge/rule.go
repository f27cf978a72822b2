package judge

import (
	"fmt"

	"hedgehog/exchange"
)

// Rule is a promise that can be broken.
type Rule string

// The rules that are judged all along.
const (
	// OneTrader: the exchange accepts orders and cancels from a symbol's owner alone.
	OneTrader Rule = "one-trader"
	// Epochs rise with every change of owner, and one epoch never names two owners.
	Epochs Rule = "epochs-rise"
	// OwnOrders: every order is one that a node would send, by its sender, its name
	// and its symbol.
	OwnOrders Rule = "own-orders"
	// SentOnce: no order is sent twice, under whichever name.
	SentOnce Rule = "sent-once"
	// SoldIsBought: a position's sells add up to no more than what it has bought
	// less the commission, and it buys once.
	SoldIsBought Rule = "sold-is-bought"
	// BoundedPositions: a symbol has no more open positions than its settings allow.
	BoundedPositions Rule = "bounded-positions"
	// Filters: accepted orders obey the rules of their symbol.
	Filters Rule = "filters"
	// FillsAddUp: an order's fills add up to what its status says.
	FillsAddUp Rule = "fills-add-up"
)

// The rules that are judged at the end of a run.
const (
	// BalancesAddUp: initial balances and fills give the final balances, to the last digit.
	BalancesAddUp Rule = "balances-add-up"
	// NoGap: the stored trade ids of a symbol, over all nodes, have no hole.
	NoGap Rule = "no-gap"
	// SameTrades: nodes that store the same trade store the same values.
	SameTrades Rule = "same-trades"
	// OrdersKnown: every accepted order, with its fills, is stored, by its symbol's
	// owner where there is one.
	OrdersKnown Rule = "orders-known"
	// OrdersExact: stored orders and fills are those of the exchange, to the last digit.
	OrdersExact Rule = "orders-exact"
	// PositionsKnown: every accepted order belongs to a position of the replicated
	// state that names it.
	PositionsKnown Rule = "positions-known"
	// CyclesRecorded: a position that has sold is recorded as finished.
	CyclesRecorded Rule = "cycles-recorded"
	// ProfitsExact: a finished position's profit is what its fills say.
	ProfitsExact Rule = "profits-exact"
	// SameState: nodes that have applied as much of the log have the same state.
	SameState Rule = "same-state"
	// Linearizable: one order of the calls explains all answers.
	Linearizable Rule = "linearizable"
	// Undecided: a history was too large to be judged in the time given for it.
	Undecided Rule = "undecided"
)

// Violation is one broken promise.
type Violation struct {
	At     exchange.Micros // by the exchange's clock; of the end of a run, its last entry's
	Rule   Rule
	Symbol string // empty for none; of a History's violation, the key
	Text   string // what was seen, and what it should have been
}

// String returns the violation on one line, unless its text has several.
func (v Violation) String() string {
	at := v.At.Time().Format("15:04:05.000000")
	if v.Symbol == "" {
		return fmt.Sprintf("%s %s: %s", at, v.Rule, v.Text)
	}
	return fmt.Sprintf("%s %s %s: %s", at, v.Rule, v.Symbol, v.Text)
}

package backtest

import (
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// Result is what came of a run. Amounts are in the quote asset where nothing else is
// said; shares are of 1 (0.01 is 1 %), rounded to eight places.
type Result struct {
	Symbol   string         `json:"symbol"`
	Settings naive.Settings `json:"settings"`
	// Commission is the share that every fill cost.
	Commission decimal.Decimal `json:"commission"`

	Trades     int64           `json:"trades"`
	Missing    int64           `json:"missing_trades"` // ids between the first and the last that were not there
	From       exchange.Micros `json:"from"`           // time of the first trade
	To         exchange.Micros `json:"to"`             // time of the last trade
	FirstPrice decimal.Decimal `json:"first_price"`
	LastPrice  decimal.Decimal `json:"last_price"`

	Orders  int `json:"orders"`
	Fills   int `json:"fills"`
	Cycles  int `json:"cycles"` // positions that bought and sold
	Won     int `json:"won"`    // cycles that earned something
	Refused int `json:"refused"`
	// LastRefusal says why the latest order of those that were refused could not be placed.
	LastRefusal string `json:"last_refusal,omitempty"`

	// Profit is what the account is worth at the end above the budget, with what is
	// still held at the last price.
	Profit      decimal.Decimal `json:"profit"`
	ProfitShare decimal.Decimal `json:"profit_share"` // of the budget
	// Realized is what the finished cycles earned.
	Realized decimal.Decimal `json:"realized"`
	// Fees are commissions, those in the base asset at the price of their fill.
	Fees decimal.Decimal `json:"fees"`
	// MaxDrawdown is the deepest fall from a highest worth before, by its share.
	MaxDrawdown      decimal.Decimal `json:"max_drawdown"`
	MaxDrawdownShare decimal.Decimal `json:"max_drawdown_share"`
	// Exposure is what the holdings had cost, as a share of the budget, on average
	// over time.
	Exposure decimal.Decimal `json:"exposure"`
	// TimeInMarket is the share of time with something held.
	TimeInMarket decimal.Decimal `json:"time_in_market"`
	// WinRate is the share of the cycles that earned something; null without cycles.
	WinRate *decimal.Decimal `json:"win_rate"`
	// ProfitFactor is what the cycles that earned something did by what the others
	// lost; null where none lost.
	ProfitFactor *decimal.Decimal `json:"profit_factor"`
	// BuyAndHold is the profit of spending the budget at the first price, less
	// commission, at the last price.
	BuyAndHold      decimal.Decimal `json:"buy_and_hold"`
	BuyAndHoldShare decimal.Decimal `json:"buy_and_hold_share"`
	// Open are the positions that hold something at the end.
	Open []OpenPosition `json:"open"`

	// Curve is the run in at most 2048 stretches of time; empty with NoCurve.
	Curve []Point `json:"-"`
}

// OpenPosition is a position that holds something at the end of a run.
type OpenPosition struct {
	BuyPrice  decimal.Decimal  `json:"buy_price"`
	SellPrice *decimal.Decimal `json:"sell_price"` // null where no sell rests
	Quantity  decimal.Decimal  `json:"quantity"`   // held, in the base asset
	Cost      decimal.Decimal  `json:"cost"`
	Value     decimal.Decimal  `json:"value"`  // at the last price
	Profit    decimal.Decimal  `json:"profit"` // value − cost
	Since     exchange.Micros  `json:"since"`
}

// result sums up the run.
func (r *run) result() Result {
	last, budget := r.feed.last, r.config.Settings.Budget
	r.ledger.pass(last.Time)
	out := Result{
		Symbol: r.config.Symbol.Name, Settings: r.config.Settings, Commission: r.config.Commission,
		Trades: r.feed.trades, Missing: r.feed.missing, From: r.first.Time, To: last.Time,
		FirstPrice: r.first.Price.Decimal(), LastPrice: last.Price.Decimal(),
		Orders: r.log.placed, Fills: r.ledger.buys + r.ledger.sells,
		Cycles: r.cycles.finished, Won: r.cycles.won, Refused: r.refused, LastRefusal: r.lastRefusal,
		Profit: r.ledger.profit(last.Price), Realized: r.cycles.earned.Sub(r.cycles.lost), Fees: amountOf(&r.ledger.fees),
		Open: r.open(last.Price.Decimal()), Curve: r.curve.finished(),
	}
	out.ProfitShare = out.Profit.DivRound(budget, sharePlaces)
	out.MaxDrawdown, out.MaxDrawdownShare = r.ledger.deepest()
	if span := decimal.NewFromInt(int64(out.To - out.From)); span.Sign() > 0 {
		out.Exposure = amountOf(&r.ledger.bound).DivRound(span.Mul(budget), sharePlaces)
		out.TimeInMarket = decimal.NewFromInt(int64(r.ledger.inMarket)).DivRound(span, sharePlaces)
	}
	if out.Cycles > 0 {
		rate := decimal.NewFromInt(int64(out.Won)).DivRound(decimal.NewFromInt(int64(out.Cycles)), sharePlaces)
		out.WinRate = &rate
	}
	if r.cycles.lost.Sign() > 0 {
		factor := r.cycles.earned.DivRound(r.cycles.lost, sharePlaces)
		out.ProfitFactor = &factor
	}
	kept := decimal.New(1, 0).Sub(r.config.Commission)
	out.BuyAndHoldShare = out.LastPrice.Mul(kept).DivRound(out.FirstPrice, worthPlaces).Sub(decimal.New(1, 0)).Round(sharePlaces)
	out.BuyAndHold = out.LastPrice.Mul(kept).Mul(budget).DivRound(out.FirstPrice, sharePlaces).Sub(budget)
	return out
}

// open returns the positions that hold something, marked at the price.
func (r *run) open(price decimal.Decimal) []OpenPosition {
	open := []OpenPosition{}
	for _, p := range r.trader.Status().Positions {
		held := p.Held(r.config.Symbol.BaseAsset)
		if held.Sign() <= 0 {
			continue
		}
		o := OpenPosition{BuyPrice: p.Buy.Price, Quantity: held, Cost: p.Cost(r.config.Symbol.BaseAsset), Value: held.Mul(price), Since: p.StartTime}
		o.Profit = o.Value.Sub(o.Cost)
		if p.Sell != nil && !p.Sell.Status.Done() {
			o.SellPrice = &p.Sell.Price
		}
		open = append(open, o)
	}
	return open
}

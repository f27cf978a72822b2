package sim

import "hedgehog/exchange"

// The intervals of the ORDERS limits, in microseconds. They begin at whole
// multiples of their length, the day at midnight UTC.
const (
	tenSeconds exchange.Micros = 10 * 1_000_000
	oneDay     exchange.Micros = 24 * 3600 * 1_000_000
)

// makerCredit is how many orders the count goes down by when an order has its
// first fill as maker, as in the example of the exchange's documentation. All
// fills here are of that kind.
const makerCredit = 5

// orderCounts is the unfilled order count of an account, per interval.
type orderCounts struct {
	TenSeconds intervalCount `json:"ten_seconds"`
	Day        intervalCount `json:"day"`
}

type intervalCount struct {
	Start exchange.Micros `json:"start"`
	Count int             `json:"count"`
}

// change adds n at the time now. A count does not go below 0 and starts anew in
// every interval.
func (c *orderCounts) change(now exchange.Micros, n int) {
	c.TenSeconds = c.TenSeconds.at(now, tenSeconds).plus(n)
	c.Day = c.Day.at(now, oneDay).plus(n)
}

func (c intervalCount) plus(n int) intervalCount {
	c.Count = max(0, c.Count+n)
	return c
}

// at returns the count as it stands at the time now.
func (c intervalCount) at(now, length exchange.Micros) intervalCount {
	if start := now - now%length; start != c.Start {
		return intervalCount{Start: start}
	}
	return c
}

// reached returns the limit that the counts have reached at the time now.
func (c orderCounts) reached(limits []exchange.RateLimit, now exchange.Micros) (exchange.RateLimit, bool) {
	for _, l := range limits {
		if l.Type != "ORDERS" || l.Limit <= 0 {
			continue
		}
		switch {
		case l.Interval == "SECOND" && l.IntervalNum == 10 && c.TenSeconds.at(now, tenSeconds).Count >= l.Limit,
			l.Interval == "DAY" && l.IntervalNum == 1 && c.Day.at(now, oneDay).Count >= l.Limit:
			return l, true
		}
	}
	return exchange.RateLimit{}, false
}

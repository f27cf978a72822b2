package node_test

import (
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/node"
	"hedgehog/storage"
)

// Of a cycle that finishes before anything of its symbol is recorded, nobody could
// say later whether it was this cluster's.
func TestTheFirstPositionIsInTheReplicatedStateBeforeItsOrderIsSent(t *testing.T) {
	m := quietMarket(t)
	g, around := gated(func(c storage.Command) bool { return c.Positions != nil })
	n := startNodeIn(t, around, func(c *node.Config) { c.Exchange = m.url })
	n.must(t, "XRPUSDT", everything())
	waitForStream(t, n)
	m.pass(t, nextTrade(m), "0.5")
	select {
	case <-g.arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("no position is recorded")
	}
	account := sim.NewLocal(m.engine, "hedgehog", "positions test")
	orders := func() []exchange.Order {
		orders, err := account.AllOrders(t.Context(), "XRPUSDT", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return orders
	}
	if sent := orders(); len(sent) > 0 {
		t.Errorf("orders %+v are sent though nothing is recorded", sent)
	}
	close(g.open)
	waitFor(t, "the first order", func() ([]exchange.Order, bool) {
		m.pass(t, nextTrade(m), "0.5") // the lease may have ended meanwhile
		sent := orders()
		return sent, len(sent) == 1
	})
}

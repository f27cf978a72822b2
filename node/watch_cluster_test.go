package node_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/shopspring/decimal"
)

func TestAWatcherSeesEachChangeOfAnOrderOnce(t *testing.T) {
	c := newTeam(t, busyMarket(t, "XRPUSDT"), "n1", "n2", "n3")
	busy := everything() // further positions as soon as the price falls
	busy.Chunks, busy.BuyDownInterval, busy.RebuyInterval = ptr(50), ptr(decimal.New(1, -4)), ptr(decimal.Zero)
	c.any().must(t, "XRPUSDT", busy)
	c.waitForTrading("XRPUSDT")
	var watching sync.WaitGroup
	for name, r := range c.members {
		watching.Go(func() { watchChanges(t, name, r) })
	}
	watching.Wait()
}

// watchChanges expects some changes of orders, each once. Of the first order there
// may be news twice: its trader looks up what there is while it starts.
func watchChanges(t *testing.T, name string, r *running) {
	enough := errors.New("seen enough")
	seen := make(map[string]bool)
	err := r.Watch(t.Context(), "ORDERS:XRPUSDT", func(line []byte) error {
		var message struct {
			Event struct {
				ID     int64  `json:"order_id"`
				Status string `json:"status"`
			}
		}
		if err := json.Unmarshal(line, &message); err != nil {
			return err
		}
		if message.Event.ID == 1 {
			return nil
		}
		change := fmt.Sprint(message.Event.ID, message.Event.Status)
		if message.Event.ID == 0 || seen[change] {
			return fmt.Errorf("seen twice, or no order: %s", line)
		}
		if seen[change] = true; len(seen) == 4 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("%s: %v", name, err)
	}
}

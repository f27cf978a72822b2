package binance

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/exchange"
)

// A node that starts at an address where others have used more than the usual
// limit learns only then that the exchange allows more.
func TestARequestThatWaitsGoesOutWhenMoreIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Now, time.Now)
		first, err := l.acquire(t.Context(), cost{weight: 20})
		if err != nil {
			t.Fatal(err)
		}
		l.settle(first, http.Header{"X-Mbx-Used-Weight-1m": {"6000"}})

		start := time.Now()
		granted := make(chan error, 1)
		go func() {
			_, err := l.acquire(t.Context(), cost{weight: 1, urgent: true})
			granted <- err
		}()
		synctest.Wait()
		select {
		case err := <-granted:
			t.Fatalf("a request above the limit did not wait: %v", err)
		default:
		}
		l.learn([]exchange.RateLimit{{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1, Limit: 100_000}})
		if err := <-granted; err != nil || time.Since(start) > 0 {
			t.Errorf("the request went out %s later, %v", time.Since(start), err)
		}
	})
}

func TestLimitsTellWhatIsUsedOfThemInTheirPresentInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Now, time.Now)
		wantUse := func(when string, weight, orders int, silence time.Duration) {
			t.Helper()
			u := l.use()
			if len(u.Uses) != 3 || u.Uses[0].Limit != 6000 || u.Uses[0].Used != weight || u.Uses[1].Used != orders || u.Silence != silence {
				t.Errorf("%s: %+v, want weight %d of 6000, %d orders in ten seconds, silence %s", when, u, weight, orders, silence)
			}
		}
		time.Sleep(windowSlack)
		wantUse("at the start", 0, 0, 0)
		g, err := l.acquire(t.Context(), cost{weight: 20, orders: 1, urgent: true})
		if err != nil {
			t.Fatal(err)
		}
		wantUse("while a request is under way", 20, 1, 0)
		l.settle(g, http.Header{"X-Mbx-Used-Weight-1m": {"300"}})
		wantUse("when the exchange has counted more", 300, 1, 0)
		l.pause(time.Minute)
		wantUse("when it wants silence", 300, 1, time.Minute)
		time.Sleep(time.Minute)
		wantUse("a minute later", 0, 0, 0)
	})
}

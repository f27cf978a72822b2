package binance_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"hedgehog/exchange"
)

func TestARequestThatGetsLostIsSoonSentAgain(t *testing.T) {
	configure := func(with *setup) { with.client.RecvWindow = 500 * time.Millisecond }
	for _, path := range []string{"/api/v3/exchangeInfo", "/api/v3/time", "/api/v3/openOrders", "/api/v3/historicalTrades", ordersPath} {
		t.Run(path, func(t *testing.T) {
			withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
				began := time.Now()
				method := http.MethodGet
				if path == ordersPath {
					method = http.MethodPost
				}
				s.inject(method, path, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
				_, info := s.client.ExchangeInfo(ctx)
				_, trades := s.client.TradesFrom(ctx, symbol, 1, 10)
				_, open := s.client.OpenOrders(ctx, symbol)
				_, placed := s.client.PlaceLimitOrder(ctx, limitOrder("held"))
				if path == ordersPath && errors.Is(placed, exchange.ErrUnavailable) {
					placed = nil // it has been looked up meanwhile
				}
				if err := errors.Join(info, trades, open, placed); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < 2*time.Second || took > 2500*time.Millisecond {
					t.Errorf("the lost request held all up for %s, want two receive windows, a second, and a pause", took)
				}
			})
		})
	}
}

func TestAnAnswerThatHasBegunMayTakeLonger(t *testing.T) {
	configure := func(with *setup) { with.client.RecvWindow = 500 * time.Millisecond }
	withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
		const path = "/api/v3/exchangeInfo"
		s.inject(http.MethodGet, path, func(w http.ResponseWriter, r *http.Request, front http.Handler) {
			w.WriteHeader(http.StatusOK)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Second)
			front.ServeHTTP(w, r)
		})
		if _, err := s.client.ExchangeInfo(ctx); err != nil {
			t.Error(err)
		}
		if n := s.requests(http.MethodGet, path); n != 1 {
			t.Errorf("%d requests, want one", n)
		}
	})
}

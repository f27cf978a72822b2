package binance_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

const (
	ordersPath = "/api/v3/order"
	recvWindow = 5 * time.Second
)

type fault = func(w http.ResponseWriter, r *http.Request, front http.Handler)

// executedThen has the exchange carry the request out and the client get
// something else than the answer.
func executedThen(answer func(w http.ResponseWriter)) fault {
	return func(w http.ResponseWriter, r *http.Request, front http.Handler) {
		front.ServeHTTP(httptest.NewRecorder(), r)
		answer(w)
	}
}

// notExecuted answers without the exchange.
func notExecuted(answer func(w http.ResponseWriter)) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { answer(w) }
}

// executedAfter has the request carried out late, when its client has gone.
func executedAfter(delay time.Duration) fault {
	return func(w http.ResponseWriter, r *http.Request, front http.Handler) {
		time.Sleep(delay) // the network's, in virtual time
		front.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
	}
}

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func dropConnection(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func TestAnOrderOfUnknownOutcomeIsNeitherLostNorDoubled(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  fault
		placed int   // orders that the exchange has in the end
		err    error // nil: the order is returned
		// atLeast is how long the answer has to take: an absent order is not given
		// up before the exchange can no longer accept it.
		atLeast time.Duration
	}{
		{"503 after executing", executedThen(status(503, "")), 1, nil, 0},
		{"503 without executing", notExecuted(status(503, "")), 0, exchange.ErrUnavailable, recvWindow},
		{"502 of a proxy after executing", executedThen(status(502, "<html>")), 1, nil, 0},
		{"code -1007 after executing", executedThen(status(408, `{"code":-1007,"msg":"Timeout waiting for response from backend server."}`)), 1, nil, 0},
		{"code -1006 after executing", executedThen(status(400, `{"code":-1006,"msg":"An unexpected response was received."}`)), 1, nil, 0},
		{"connection dropped after executing", executedThen(dropConnection), 1, nil, 0},
		{"connection dropped before executing", notExecuted(dropConnection), 0, exchange.ErrUnavailable, recvWindow},
		{"an answer that is no JSON after executing", executedThen(status(200, "<html>")), 1, nil, 0},
		{"an answer for another order", executedThen(status(200, `{"symbol":"XRPUSDT","orderId":99,"clientOrderId":"other","side":"BUY","status":"NEW","price":"0.4","origQty":"25","executedQty":"0","cummulativeQuoteQty":"0","transactTime":1}`)), 1, nil, 0},
		{"a redirect", notExecuted(func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/api/v3/order")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}), 0, exchange.ErrUnavailable, recvWindow},
		{"executed within the receive window, after our time-out", executedAfter(4 * time.Second), 1, nil, 4 * time.Second},
		{"late beyond the receive window", executedAfter(6 * time.Second), 0, exchange.ErrUnavailable, recvWindow},
	} {
		t.Run(c.name, func(t *testing.T) {
			configure := func(with *setup) { with.client.RequestTimeout = time.Second }
			withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
				s.inject(http.MethodPost, ordersPath, c.fault)
				start := time.Now()
				update, err := s.client.PlaceLimitOrder(ctx, limitOrder("once"))
				took := time.Since(start)
				if !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				time.Sleep(time.Minute) // whatever is under way has arrived after that
				have := s.orders()
				if len(have) != c.placed {
					t.Fatalf("the exchange has %d orders, want %d", len(have), c.placed)
				}
				if sent := s.requests(http.MethodPost, ordersPath); sent != 1 {
					t.Errorf("the order was sent %d times", sent)
				}
				if c.err == nil && (update.ID != have[0].ID || update.ClientID != "once") {
					t.Errorf("returned %+v, the exchange has %+v", update.Order, have[0])
				}
				if took < c.atLeast {
					t.Errorf("answered after %s, want no less than %s", took, c.atLeast)
				}
			})
		})
	}
}

func TestAFilledOrderOfUnknownOutcomeComesWithItsFills(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.inject(http.MethodPost, ordersPath, func(w http.ResponseWriter, r *http.Request, front http.Handler) {
			front.ServeHTTP(httptest.NewRecorder(), r)
			s.trade(t, "0.39")
			dropConnection(w)
		})
		update, err := s.client.PlaceLimitOrder(ctx, limitOrder("filled"))
		if err != nil {
			t.Fatal(err)
		}
		if update.Status != exchange.Filled || len(update.Fills) != 1 || !update.Fills[0].Quantity.Equal(decimal.NewFromInt(25)) {
			t.Errorf("update %+v", update)
		}
	})
}

func TestAnOrderWhoseLookUpGetsNoAnswerIsOfUnknownOutcome(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		s.inject(http.MethodPost, ordersPath, func(w http.ResponseWriter, r *http.Request, front http.Handler) {
			front.ServeHTTP(httptest.NewRecorder(), r)
			s.failAll(ordersPath)
			dropConnection(w)
		})
		_, err := s.client.PlaceLimitOrder(ctx, limitOrder("mute"))
		if !errors.Is(err, exchange.ErrUnknownOutcome) {
			t.Errorf("error %v, want ErrUnknownOutcome", err)
		}
		// Sending it again finds the order instead of placing another.
		s.failAll("")
		update, err := s.client.PlaceLimitOrder(ctx, limitOrder("mute"))
		if err != nil || len(s.orders()) != 1 || update.ID != s.orders()[0].ID {
			t.Errorf("sent again: %+v, %v; the exchange has %+v", update, err, s.orders())
		}
	})
}

func TestTheEndOfTheContextLeavesTheOutcomeUnknown(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		ctx, cancel := context.WithCancelCause(ctx)
		lost := errors.New("lease lost")
		s.inject(http.MethodPost, ordersPath, func(w http.ResponseWriter, r *http.Request, front http.Handler) {
			front.ServeHTTP(httptest.NewRecorder(), r)
			cancel(lost)
			<-r.Context().Done()
		})
		_, err := s.client.PlaceLimitOrder(ctx, limitOrder("abandoned"))
		if !errors.Is(err, exchange.ErrUnknownOutcome) {
			t.Errorf("error %v, want ErrUnknownOutcome", err)
		}
	})
}

func TestADuplicateOfOtherTermsIsRefused(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		if _, err := s.client.PlaceLimitOrder(ctx, limitOrder("mine")); err != nil {
			t.Fatal(err)
		}
		other := limitOrder("mine")
		other.Price = decimal.RequireFromString("0.3")
		if _, err := s.client.PlaceLimitOrder(ctx, other); !errors.Is(err, exchange.ErrDuplicateOrder) {
			t.Errorf("error %v, want ErrDuplicateOrder", err)
		}
	})
}

func TestOrdersThatCannotBeSentAreRefusedWithoutARequest(t *testing.T) {
	withSimulated(t, nil, func(ctx context.Context, t *testing.T, s *simulated) {
		for name, change := range map[string]func(*exchange.LimitOrder){
			"no client order id":       func(o *exchange.LimitOrder) { o.ClientID = "" },
			"a long client order id":   func(o *exchange.LimitOrder) { o.ClientID = "1234567890123456789012345678901234567" },
			"a client order id with &": func(o *exchange.LimitOrder) { o.ClientID = "a&b" },
			"no side":                  func(o *exchange.LimitOrder) { o.Side = "" },
			"a symbol with a slash":    func(o *exchange.LimitOrder) { o.Symbol = "XRP/USDT" },
		} {
			o := limitOrder("fine")
			change(&o)
			if _, err := s.client.PlaceLimitOrder(ctx, o); !errors.Is(err, exchange.ErrOrderRejected) {
				t.Errorf("%s: error %v, want ErrOrderRejected", name, err)
			}
		}
		if n := s.requests(http.MethodPost, ordersPath); n != 0 {
			t.Errorf("%d orders were sent", n)
		}
	})
}

func TestACancelOfUnknownOutcomeIsSettledByTheOrdersState(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(s *simulated, t *testing.T) fault
		err   error
	}{
		{"dropped after executing", func(*simulated, *testing.T) fault { return executedThen(dropConnection) }, nil},
		{"503 after executing", func(*simulated, *testing.T) fault { return executedThen(status(503, "")) }, nil},
		{"503 without executing", func(*simulated, *testing.T) fault { return notExecuted(status(503, "")) }, exchange.ErrUnavailable},
		{"within the receive window, after our time-out", func(*simulated, *testing.T) fault { return executedAfter(4 * time.Second) }, nil},
		{"the order was filled instead", func(s *simulated, t *testing.T) fault {
			return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				s.trade(t, "0.39")
				dropConnection(w)
			}
		}, exchange.ErrUnknownOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			configure := func(with *setup) { with.client.RequestTimeout = time.Second }
			withSimulated(t, configure, func(ctx context.Context, t *testing.T, s *simulated) {
				placed, err := s.client.PlaceLimitOrder(ctx, limitOrder("gone"))
				if err != nil {
					t.Fatal(err)
				}
				s.inject(http.MethodDelete, ordersPath, c.fault(s, t))
				order, err := s.client.CancelOrder(ctx, exchange.OrderRef{Symbol: symbol, ID: placed.ID})
				if !errors.Is(err, c.err) {
					t.Fatalf("error %v, want %v", err, c.err)
				}
				if c.err == nil && (order.ID != placed.ID || order.Status != exchange.Canceled) {
					t.Errorf("returned %+v", order)
				}
			})
		})
	}
}

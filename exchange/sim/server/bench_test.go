package server_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/sim/server"
)

// BenchmarkStream passes trades through the engine and over loopback websocket
// connections whose clients do nothing but receive.
func BenchmarkStream(b *testing.B) {
	for _, clients := range []int{1, 4} {
		b.Run(fmt.Sprintf("%d clients", clients), func(b *testing.B) {
			f := open(b, options{config: func(c *server.Config) { c.QueueLimit = 1 << 30 }})
			received := make(chan error, clients)
			for range clients {
				c := f.dial(b, "/ws/xrpeth@trade")
				if err := c.SetReadDeadline(time.Time{}); err != nil {
					b.Fatal(err)
				}
				go func() {
					for range b.N {
						_, r, err := c.NextReader()
						if err == nil {
							_, err = io.Copy(io.Discard, r)
						}
						if err != nil {
							received <- err
							return
						}
					}
					received <- nil
				}()
			}
			t := exchange.TradeEvent{Symbol: "XRPETH", Price: decimal.RequireFromString("0.00141342"), Quantity: decimal.New(163, 0)}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				t.ID = int64(i + 1)
				if err := f.engine.Trade(t); err != nil {
					b.Fatal(err)
				}
			}
			for range clients {
				if err := <-received; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trades/s")
		})
	}
}

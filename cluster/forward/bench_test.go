package forward_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"hedgehog/cluster/forward"
	"hedgehog/cluster/peer"
)

const benchTopic = "TRADE_EVENTS:XRPETH"

// BenchmarkNodeToNode measures the way of an event from the bus of one node to
// the bus of another, over TLS on loopback: events/s in a stream of which up to
// 8,192 are under way, and the time of one alone. Beside it stand two NATS
// servers that route the same bytes in the same process, over plain TCP and over
// TLS, with their own clients over loopback, which suits them better than pipes
// within the process.
func BenchmarkNodeToNode(b *testing.B) {
	for _, way := range []struct {
		name string
		open func(tb testing.TB, arrived func(*trade)) (send func(*trade), stop func())
	}{
		{"forward", openForward},
		{"nats", func(tb testing.TB, arrived func(*trade)) (func(*trade), func()) { return openNATS(tb, nil, arrived) }},
		{"nats-tls", func(tb testing.TB, arrived func(*trade)) (func(*trade), func()) {
			return openNATS(tb, selfSigned(tb), arrived)
		}},
	} {
		b.Run(way.name+"/stream", func(b *testing.B) {
			const credit, credits = 512, 16
			var received atomic.Int64
			got := make(chan struct{}, credits)
			send, stop := way.open(b, func(*trade) {
				if received.Add(1)%credit == 0 {
					got <- struct{}{}
				}
			})
			defer stop()
			for range credits - 1 {
				got <- struct{}{}
			}
			sent, began := int64(0), time.Now()
			b.ReportAllocs()
			emit := func() {
				if sent%credit == 0 && sent > 0 {
					<-got
				}
				sent++
				send(benchTrade(sent))
			}
			for b.Loop() {
				emit()
			}
			for sent%credit != 0 { // the last credit comes with a full count
				emit()
			}
			for range credits {
				<-got
			}
			b.ReportMetric(float64(sent)/time.Since(began).Seconds(), "events/s")
			if received.Load() != sent {
				b.Errorf("%d of %d events arrived", received.Load(), sent)
			}
		})
		b.Run(way.name+"/single", func(b *testing.B) {
			got := make(chan struct{}, 1)
			send, stop := way.open(b, func(*trade) { got <- struct{}{} })
			defer stop()
			b.ReportAllocs()
			for b.Loop() {
				send(benchTrade(1))
				<-got
			}
		})
	}
}

func benchTrade(id int64) *trade {
	return &trade{topic: benchTopic, id: id, time: 1570752011620000 + id, price: "0.00141342", quantity: "23.5"}
}

func openForward(tb testing.TB, arrived func(*trade)) (send func(*trade), stop func()) {
	tb.Helper()
	secret, err := peer.NewSecret()
	if err != nil {
		tb.Fatal(err)
	}
	from := newMember(tb, secret, "from", nil)
	to := newMember(tb, secret, "to", arrived)
	to.SetPeers([]forward.Peer{{Name: "from", Address: from.address}})
	release := to.Want(benchTopic)
	<-from.subscribed
	deliver := *from.deliver.Load()
	return func(t *trade) { deliver(t) }, func() {
		release()
		to.stop()
		from.stop()
	}
}

func openNATS(tb testing.TB, secured *tls.Config, arrived func(*trade)) (send func(*trade), stop func()) {
	tb.Helper()
	from := startNATS(tb, "from", "", secured)
	to := startNATS(tb, "to", from.ClusterAddr().String(), secured)
	publisher, subscriber := connectNATS(tb, from), connectNATS(tb, to)
	ready := make(chan struct{}, 1)
	subscribe := func(subject string, handle nats.MsgHandler) {
		if _, err := subscriber.Subscribe(subject, handle); err != nil {
			tb.Fatal(err)
		}
	}
	subscribe("ready", func(*nats.Msg) {
		select {
		case ready <- struct{}{}:
		default:
		}
	})
	subscribe(benchTopic, func(m *nats.Msg) {
		_, event, err := trades{}.Decode(m.Data)
		if err != nil {
			tb.Error(err)
			return
		}
		arrived(event.(*trade))
	})
	if err := subscriber.Flush(); err != nil {
		tb.Fatal(err)
	}
	// The route and the interest take a moment to be known at the other server.
	for again := time.NewTicker(10 * time.Millisecond); ; {
		if err := publisher.Publish("ready", nil); err != nil {
			tb.Fatal(err)
		}
		select {
		case <-ready:
			again.Stop()
		case <-again.C:
			continue
		}
		break
	}
	var buffer []byte
	send = func(t *trade) {
		var err error
		if buffer, err = (trades{}).Append(buffer[:0], benchTopic, t); err == nil {
			err = publisher.Publish(benchTopic, buffer)
		}
		if err != nil {
			tb.Error(err)
		}
	}
	return send, func() {
		publisher.Close()
		subscriber.Close()
		for _, s := range []*server.Server{to, from} {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
}

func startNATS(tb testing.TB, name, route string, secured *tls.Config) *server.Server {
	tb.Helper()
	options := &server.Options{
		ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		Cluster: server.ClusterOpts{Name: "bench", Host: "127.0.0.1", Port: -1, TLSConfig: secured, TLSTimeout: 2},
	}
	if route != "" {
		options.Routes = server.RoutesFromStr("nats-route://" + route)
	}
	s, err := server.NewServer(options)
	if err != nil {
		tb.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		tb.Fatal("NATS is not ready after 10 s")
	}
	return s
}

func connectNATS(tb testing.TB, s *server.Server) *nats.Conn {
	tb.Helper()
	c, err := nats.Connect(s.ClientURL())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// selfSigned returns a TLS configuration for both ends of a route.
func selfSigned(tb testing.TB) *tls.Config {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: private}},
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS13,
	}
}

package forward_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hedgehog/cluster/forward"
	"hedgehog/cluster/peer"
)

// trade is an event of a realistic size.
type trade struct {
	topic           string
	id, time        int64
	price, quantity string
}

// trades is their Codec.
type trades struct{}

func (trades) Append(dst []byte, topic string, event any) ([]byte, error) {
	t := event.(*trade)
	dst = binary.AppendVarint(dst, t.id)
	dst = binary.AppendVarint(dst, t.time)
	for _, s := range []string{topic, t.price, t.quantity} {
		dst = append(append(dst, byte(len(s))), s...)
	}
	return dst, nil
}

func (trades) Decode(data []byte) (string, any, error) {
	t := new(trade)
	var n, m int
	if t.id, n = binary.Varint(data); n <= 0 {
		return "", nil, errors.New("no id")
	}
	if t.time, m = binary.Varint(data[n:]); m <= 0 {
		return "", nil, errors.New("no time")
	}
	rest := string(data[n+m:])
	for _, s := range []*string{&t.topic, &t.price, &t.quantity} {
		if len(rest) == 0 || len(rest) <= int(rest[0]) {
			return "", nil, errors.New("too short")
		}
		*s, rest = rest[1:1+rest[0]], rest[1+rest[0]:]
	}
	return t.topic, t, nil
}

// hook is a Local for one topic: deliver is what that is subscribed with, arrived
// gets what came from others.
type hook struct {
	arrived    func(*trade)
	subscribed chan struct{}
	deliver    atomic.Pointer[func(any)]
}

func (h *hook) Subscribe(_ string, deliver func(any)) func() {
	h.deliver.Store(&deliver)
	h.subscribed <- struct{}{}
	return func() {}
}

func (h *hook) Publish(_ context.Context, _ string, event any) error {
	h.arrived(event.(*trade))
	return nil
}

// member is a Forwarder on a real port, on loopback, with TLS.
type member struct {
	*forward.Forwarder
	*hook
	address string
	stop    func()
}

func newMember(tb testing.TB, secret peer.Secret, name string, arrived func(*trade)) *member {
	tb.Helper()
	identity, err := peer.NewIdentity(secret, name, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	port, err := peer.Listen(tb.Context(), "127.0.0.1:0", identity, log)
	if err != nil {
		tb.Fatal(err)
	}
	dial := func(ctx context.Context, address, node string) (net.Conn, error) {
		return port.Dial(ctx, peer.Events, address, node)
	}
	h := &hook{arrived: arrived, subscribed: make(chan struct{}, 10)}
	f := forward.New(forward.DefaultConfig(name), h, trades{}, port.Listener(peer.Events), dial, log)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = port.Run(ctx) })
	running.Go(func() {
		if err := f.Run(ctx); err != nil {
			tb.Errorf("run %s: %v", name, err)
		}
	})
	return &member{Forwarder: f, hook: h, address: port.Addr().String(), stop: func() {
		cancel()
		running.Wait()
	}}
}

func TestEventsCrossRealPorts(t *testing.T) {
	secret, err := peer.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan *trade, 10_000)
	a := newMember(t, secret, "a", nil)
	defer a.stop()
	b := newMember(t, secret, "b", func(e *trade) { arrived <- e })
	defer b.stop()
	b.SetPeers([]forward.Peer{{Name: "a", Address: a.address}})
	defer b.Want("TRADE_EVENTS:XRPETH")()
	<-a.subscribed
	deliver := *a.deliver.Load()
	for i := range int64(10_000) {
		deliver(&trade{topic: "TRADE_EVENTS:XRPETH", id: i, time: 1570752011620000 + i, price: "0.00141342", quantity: "23.5"})
	}
	for i := range int64(10_000) {
		want := trade{topic: "TRADE_EVENTS:XRPETH", id: i, time: 1570752011620000 + i, price: "0.00141342", quantity: "23.5"}
		if got := <-arrived; *got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

func TestAnotherClustersNodeAndAWrongNameGetNothing(t *testing.T) {
	secrets := make([]peer.Secret, 2)
	for i := range secrets {
		var err error
		if secrets[i], err = peer.NewSecret(); err != nil {
			t.Fatal(err)
		}
	}
	a := newMember(t, secrets[0], "a", nil)
	defer a.stop()
	for name, c := range map[string]struct {
		secret peer.Secret
		peer   string
		want   error
	}{
		"another secret": {secrets[1], "a", peer.ErrOtherSecret},
		"another name":   {secrets[0], "c", peer.ErrOtherNode},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := peer.NewIdentity(c.secret, "b", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			log := slog.New(slog.DiscardHandler)
			port, err := peer.Listen(t.Context(), "127.0.0.1:0", identity, log)
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			refused := make(chan error, 100)
			f := forward.New(forward.DefaultConfig("b"), newBoard(), trades{}, port.Listener(peer.Events),
				func(ctx context.Context, address, node string) (net.Conn, error) {
					conn, err := port.Dial(ctx, peer.Events, address, node)
					refused <- err
					return conn, err
				}, log)
			stop := run(f)
			f.SetPeers([]forward.Peer{{Name: c.peer, Address: a.address}})
			defer f.Want("TRADE_EVENTS:XRPETH")()
			if err := <-refused; !errors.Is(err, c.want) {
				t.Errorf("dial: %v, want %v", err, c.want)
			}
			if err := stop(); err != nil {
				t.Errorf("run: %v", err)
			}
			if s := f.Stats(); len(s) != 1 || s[0].Connects != 0 {
				t.Errorf("figures: %+v", s)
			}
			if len(a.subscribed) != 0 || len(a.Stats()) != 0 {
				t.Errorf("a stranger is served: %+v", a.Stats())
			}
		})
	}
}

package peer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/peer"
)

// running is a port that runs, with the listeners of all protocols.
type running struct {
	*peer.Port
	address string
	in      map[string]net.Listener
	// stop ends the port and waits for it; it returns what Run returned.
	stop func() error
}

// listen opens a port on loopback that does not run yet.
func listen(tb testing.TB, id peer.Identity) *peer.Port {
	tb.Helper()
	p, err := peer.Listen(tb.Context(), "127.0.0.1:0", id, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Close() })
	return p
}

func run(tb testing.TB, p *peer.Port) running {
	tb.Helper()
	in := map[string]net.Listener{}
	for _, protocol := range []string{peer.Raft, peer.Call, peer.Events} {
		in[protocol] = p.Listener(protocol)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	tb.Cleanup(func() { _ = stop() })
	return running{Port: p, address: p.Addr().String(), in: in, stop: stop}
}

func start(tb testing.TB, s peer.Secret, node string) running {
	tb.Helper()
	return run(tb, listen(tb, newIdentity(tb, s, node)))
}

func accept(tb testing.TB, l net.Listener) net.Conn {
	tb.Helper()
	c, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func dial(tb testing.TB, from *peer.Port, protocol, address, node string) net.Conn {
	tb.Helper()
	c, err := from.Dial(tb.Context(), protocol, address, node)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func TestMembersTalkAndKnowEachOther(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	for _, protocol := range []string{peer.Raft, peer.Call, peer.Events} {
		there := dial(t, a.Port, protocol, b.address, "n2")
		here := accept(t, b.in[protocol])
		if got := peer.PeerName(there); got != "n2" {
			t.Errorf("%s: n1 talks to %q", protocol, got)
		}
		if got := peer.PeerName(here); got != "n1" {
			t.Errorf("%s: n2 talks to %q", protocol, got)
		}
		if _, err := there.Write([]byte("hello\n")); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(here).ReadString('\n'); err != nil || line != "hello\n" {
			t.Errorf("%s: read %q, %v", protocol, line, err)
		}
	}
}

func TestAnyNodeWillDoWhereNoneIsNamed(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	if got := peer.PeerName(dial(t, a.Port, peer.Call, b.address, "")); got != "n2" {
		t.Errorf("talks to %q, want n2", got)
	}
}

func TestPeerNameOfAStrangersConnectionIsEmpty(t *testing.T) {
	c, other := net.Pipe()
	defer c.Close()
	defer other.Close()
	if got := peer.PeerName(c); got != "" {
		t.Errorf("name %q", got)
	}
}

func TestHTTPRunsOverThePort(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	type nameKey struct{}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "hello %v", r.Context().Value(nameKey{}))
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, nameKey{}, peer.PeerName(c))
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(b.in[peer.Call]) }()

	transport := &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		return a.Dial(ctx, peer.Call, address, "n2")
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("http://" + b.address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "hello n1" {
		t.Errorf("answer %q, %v", body, err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("served until %v", err)
	}
}

func TestDialGivesUpWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a := start(t, newSecret(t), "n1")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := silent.Accept(); err == nil {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1)) // the client has begun
			cancel()
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	if _, err := a.Dial(ctx, peer.Raft, silent.Addr().String(), "n2"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestEndOfRunClosesWhatNobodyTook(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	taken := dial(t, a.Port, peer.Raft, b.address, "n2")
	accepted := accept(t, b.in[peer.Raft])
	waiting := dial(t, a.Port, peer.Raft, b.address, "n2")
	silent, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	accepting := make(chan error, 1)
	go func() {
		_, err := b.in[peer.Events].Accept()
		accepting <- err
	}()

	if err := b.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
	if err := <-accepting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept returned %v, want net.ErrClosed", err)
	}
	wantClosed(t, waiting)
	wantClosed(t, silent)
	if _, err := taken.Write([]byte("x")); err != nil {
		t.Errorf("write to the accepted connection: %v", err)
	}
	if _, err := io.ReadFull(accepted, make([]byte, 1)); err != nil {
		t.Errorf("the accepted connection was closed, too: %v", err)
	}
	if _, err := net.Dial("tcp", b.address); err == nil {
		t.Error("the port is still open")
	}
	_ = a.stop()
	wantGoroutines(t, before)
}

// wantGoroutines waits until no more goroutines are there than before: net's own
// need a moment to end after their connection is closed.
func wantGoroutines(tb testing.TB, before int) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.After(5 * time.Second); runtime.NumGoroutine() > before; {
		select {
		case <-tick.C:
		case <-end:
			stacks := make([]byte, 1<<16)
			tb.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestRunTellsThatThePortWasClosed(t *testing.T) {
	p := listen(t, newIdentity(t, newSecret(t), "n1"))
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run returned %v, want net.ErrClosed", err)
	}
}

func TestAProtocolHasOneListener(t *testing.T) {
	p := listen(t, newIdentity(t, newSecret(t), "n1"))
	p.Listener(peer.Raft)
	for name, ask := range map[string]func(){
		"twice": func() { p.Listener(peer.Raft) },
		"after Run": func() {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = p.Run(ctx)
			p.Listener(peer.Call)
		},
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "twice, or too late") {
					t.Errorf("asked %s: panic %v", name, r)
				}
			}()
			ask()
		}()
	}
}

func TestAClosedListenerLeavesTheOthersAlone(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	if err := b.in[peer.Raft].Close(); err != nil {
		t.Fatal(err)
	}
	wantClosed(t, dial(t, a.Port, peer.Raft, b.address, "n2"))
	dial(t, a.Port, peer.Call, b.address, "n2")
	accept(t, b.in[peer.Call])
}

func BenchmarkDial(b *testing.B) {
	s := newSecret(b)
	from, to := start(b, s, "n1"), start(b, s, "n2")
	b.ReportAllocs()
	for b.Loop() {
		c, err := from.Dial(b.Context(), peer.Call, to.address, "n2")
		if err != nil {
			b.Fatal(err)
		}
		there, err := to.in[peer.Call].Accept()
		if err != nil {
			b.Fatal(err)
		}
		_, _ = c.Close(), there.Close()
	}
}

// BenchmarkThroughput is a connection's speed for frames of 16 KiB.
func BenchmarkThroughput(b *testing.B) {
	s := newSecret(b)
	from, to := start(b, s, "n1"), start(b, s, "n2")
	c := dial(b, from.Port, peer.Events, to.address, "n2")
	there := accept(b, to.in[peer.Events])
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, struct{ io.Reader }{there})
		read <- err
	}()
	frame := make([]byte, 16<<10)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
	_ = c.Close()
	if err := <-read; err != nil {
		b.Error(err)
	}
}

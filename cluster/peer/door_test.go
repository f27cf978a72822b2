package peer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cluster/peer"
)

func TestDialTellsWhatIsThereInstead(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	foreign := start(t, newSecret(t), "n2")
	open := start(t, peer.NoSecret(), "n2")
	early, err := peer.NewIdentity(s, "n2", time.Now().Add(48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	late, err := peer.NewIdentity(s, "n2", time.Now().Add(-11*365*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		if c, err := plain.Accept(); err == nil {
			_, _ = io.WriteString(c, "220 hello, who are you\r\n")
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	gone := start(t, s, "n3")
	_ = gone.stop()

	for name, c := range map[string]struct {
		address, protocol string
		want              error
		text              string
	}{
		"another node":       {a.address, peer.Raft, peer.ErrOtherNode, "it is n1, not n2"},
		"another secret":     {foreign.address, peer.Raft, peer.ErrOtherSecret, foreign.address},
		"no secret":          {open.address, peer.Raft, peer.ErrOtherSecret, open.address},
		"no TLS":             {plain.Addr().String(), peer.Raft, peer.ErrNoTLS, plain.Addr().String()},
		"a clock ahead":      {run(t, listen(t, early)).address, peer.Raft, peer.ErrClocks, ""},
		"a clock behind":     {run(t, listen(t, late)).address, peer.Raft, peer.ErrClocks, ""},
		"a foreign protocol": {b.address, "hedgehog-raft/2", nil, "no application protocol"},
		"nobody":             {gone.address, peer.Raft, nil, "refused"},
		"no address":         {"n2", peer.Raft, nil, "missing port"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := a.Dial(t.Context(), c.protocol, c.address, "n2")
			if err == nil {
				_ = conn.Close()
				t.Fatal("connected")
			}
			if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %q, want %v with %q", err, c.want, c.text)
			}
		})
	}
}

// selfMade is a certificate like a member's, signed by an authority that has the
// cluster's names but not its key.
func selfMade(tb testing.TB, cluster, node string) tls.Certificate {
	tb.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"member.hedgehog.internal"}, URIs: []*url.URL{{Scheme: "hedgehog", Opaque: "node:" + node}},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	template.Subject.CommonName = "hedgehog cluster " + cluster
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Each stranger tries to be served; only the member that comes after them is.
func TestStrangersReachNoProtocol(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	foreign := listen(t, newIdentity(t, newSecret(t), "n1"))

	client := func(change func(*tls.Config)) func() error {
		return func() error {
			config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{peer.Raft}}
			change(config)
			c, err := tls.Dial("tcp", b.address, config)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
				return err
			}
			_, err = c.Read(make([]byte, 1)) // in TLS 1.3 the refusal comes with the first read
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
			return err
		}
	}
	for name, try := range map[string]func() error{
		"without a certificate": client(func(*tls.Config) {}),
		"with a certificate of its own": client(func(c *tls.Config) {
			c.Certificates = []tls.Certificate{selfMade(t, s.ClusterID(), "n1")}
		}),
		"with an older TLS":  client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }),
		"without a protocol": client(func(c *tls.Config) { c.NextProtos = nil }),
		"with HTTP":          client(func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }),
		"with another secret": func() error {
			_, err := foreign.Dial(t.Context(), peer.Raft, b.address, "n2")
			return err
		},
		"without TLS": func() error {
			c, err := net.Dial("tcp", b.address)
			if err != nil {
				return err
			}
			defer c.Close()
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: n2\r\n\r\n")
			answer, err := io.ReadAll(c)
			if err == nil && bytes.Contains(answer, []byte("HTTP")) {
				return nil
			}
			return errors.New("refused")
		},
	} {
		if err := try(); err == nil {
			t.Errorf("a stranger %s was not refused", name)
		}
	}
	dial(t, a.Port, peer.Raft, b.address, "n2")
	if got := peer.PeerName(accept(t, b.in[peer.Raft])); got != "n1" {
		t.Errorf("accepted %q first, want n1", got)
	}
}

func TestAMemberThatAsksForNoProtocolIsRefused(t *testing.T) {
	s := newSecret(t)
	b := start(t, s, "n2")
	config := newIdentity(t, s, "n1").ClientConfig(peer.Raft, "n2")
	config.NextProtos, config.VerifyConnection = nil, nil
	c, err := tls.Dial("tcp", b.address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wantClosed(t, c)
}

// wantClosed fails unless the other end has closed the connection or does so
// soon.
func wantClosed(tb testing.TB, c net.Conn) {
	tb.Helper()
	if err := c.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		tb.Errorf("the connection is open: %v", err)
	}
}

func TestSilentClientsHoldUpNobody(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "n1"), start(t, s, "n2")
	first, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for range 3 * peer.HandshakesLimit {
		c, err := net.Dial("tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	began := time.Now()
	dial(t, a.Port, peer.Raft, b.address, "n2")
	accept(t, b.in[peer.Raft])
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("a member waited %v", took)
	}
	wantClosed(t, first)
}

func TestAHandshakeHasToEnd(t *testing.T) {
	p := listen(t, newIdentity(t, newSecret(t), "n2"))
	p.SetHandshakeTimeout(20 * time.Millisecond)
	b := run(t, p)
	c, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte{22, 3, 1, 2}); err != nil { // the beginning of a hello
		t.Fatal(err)
	}
	wantClosed(t, c)
}

func TestWithoutASecretOnlyLoopbackIsUsed(t *testing.T) {
	id := newIdentity(t, peer.NoSecret(), "n1")
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		p, err := peer.Listen(t.Context(), address, id, slog.New(slog.DiscardHandler))
		if !errors.Is(err, peer.ErrNeedsSecret) {
			t.Errorf("listen at %s: error %v, want ErrNeedsSecret", address, err)
		}
		if err == nil {
			_ = p.Close()
		}
	}
	a, b := start(t, peer.NoSecret(), "n1"), start(t, peer.NoSecret(), "n2")
	if _, err := a.Dial(t.Context(), peer.Raft, "192.0.2.1:7000", ""); !errors.Is(err, peer.ErrNeedsSecret) {
		t.Errorf("dial: error %v, want ErrNeedsSecret", err)
	}
	dial(t, a.Port, peer.Raft, b.address, "n2")
}

func TestCheckLoopback(t *testing.T) {
	for address, good := range map[string]bool{
		"127.0.0.1:1": true, "127.8.9.1:1": true, "[::1]:1": true,
		"0.0.0.0:1": false, "[::]:1": false, ":1": false, "10.0.0.1:1": false, "localhost:1": false, "127.0.0.1": false, "": false,
	} {
		if err := peer.CheckLoopback(address); (err == nil) != good {
			t.Errorf("%q: error %v", address, err)
		}
	}
}

// recorder passes connections on to the address and keeps what crosses.
type recorder struct {
	net.Listener
	mu       sync.Mutex
	captured bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.captured.Write(p)
}

// record returns a recorder on loopback in front of the address.
func record(tb testing.TB, address string) *recorder {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	r := &recorder{Listener: l}
	var relays sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	relays.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				_ = near.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })
			relays.Go(func() { _, _ = io.Copy(far, io.TeeReader(near, r)) })
			relays.Go(func() { _, _ = io.Copy(near, io.TeeReader(far, r)) })
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		cancel()
		relays.Wait()
	})
	return r
}

func TestACaptureShowsNoPlainText(t *testing.T) {
	s := newSecret(t)
	a, b := start(t, s, "first-node"), start(t, s, "second-node")
	r := record(t, b.address)
	there := dial(t, a.Port, peer.Events, r.Addr().String(), "second-node")
	here := accept(t, b.in[peer.Events])
	message := strings.Repeat("TRADE_EVENTS:XRPETH ", 50)
	for from, to := range map[net.Conn]net.Conn{there: here, here: there} {
		if _, err := io.WriteString(from, message); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, make([]byte, len(message))); err != nil {
			t.Fatal(err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.captured.Len() < 2*len(message) {
		t.Fatalf("captured only %d bytes", r.captured.Len())
	}
	for _, plain := range []string{"XRPETH", "TRADE", "first-node", "second-node", string(s[:8]), s.Text()[:16]} {
		if bytes.Contains(r.captured.Bytes(), []byte(plain)) {
			t.Errorf("%q can be read", plain)
		}
	}
}

// FuzzPort sends garbage to the port; a member is served after it as before.
func FuzzPort(f *testing.F) {
	s := newSecret(f)
	a, b := start(f, s, "n1"), start(f, s, "n2")
	f.Add([]byte{})
	f.Add([]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3})
	f.Add([]byte{22, 3, 1, 255, 255})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		c, err := net.Dial("tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(garbage)
		if err := c.(*net.TCPConn).CloseWrite(); err == nil {
			_, _ = io.Copy(io.Discard, c)
		}
		_ = c.Close()
		dial(t, a.Port, peer.Call, b.address, "n2")
		if got := peer.PeerName(accept(t, b.in[peer.Call])); got != "n1" {
			t.Errorf("accepted %q", got)
		}
	})
}

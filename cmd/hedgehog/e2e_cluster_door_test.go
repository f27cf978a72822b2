package main_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatPassesBetweenNodesCannotBeRead(t *testing.T) {
	c := openMarket(t, walking)
	c.tap = newWiretap(t)
	// What goes to the exchange is not hidden in these tests: the same tap reads it.
	control := newWiretap(t)
	c.exchange = "http://" + control.beforeStreams("127.0.0.1:0", strings.TrimPrefix(c.market.url, "http://"))
	names := []string{"alder", "birch", "cedar"}
	c.found(names...)
	c.trade()
	// Events of all symbols pass to nodes that do not own them.
	for _, name := range names {
		for _, symbol := range walking {
			c.members[name].sees("TRADE_EVENTS:" + symbol)
		}
	}
	streams, packets := c.tap.sizes()
	t.Logf("%d bytes passed in streams, %d in packets", streams, packets)
	if streams < 50_000 || packets < 5_000 {
		t.Errorf("%d bytes passed in streams and %d in packets: the tap was not in between", streams, packets)
	}
	secret, err := os.ReadFile(c.secret())
	if err != nil {
		t.Fatal(err)
	}
	words := append([]string{strings.TrimSpace(string(secret)), "TRADE_EVENTS", "buy_client_id", "epoch", "HTTP/1.1"}, names...)
	for _, word := range append(words, walking...) {
		if c.tap.has(word) {
			t.Errorf("%q passed between nodes for all to read", word)
		}
	}
	for _, symbol := range walking {
		if !control.has(symbol) {
			t.Errorf("the tap before the exchange has not seen %q: it sees nothing", symbol)
		}
	}
	c.finish()
}

// sees waits until the node shows an event of the topic.
func (m *member) sees(topic string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	seen := errors.New("seen")
	if err := m.client.Watch(ctx, topic, func([]byte) error { return seen }); !errors.Is(err, seen) {
		m.t.Errorf("%s: watch %s: %v", m.name, topic, err)
	}
}

func TestWhoMayNotJoinIsToldInOneLine(t *testing.T) {
	c := openMarket(t, walking)
	c.found("n1", "n2")
	other := filepath.Join(c.dir, "other-secret")
	must(t, "cluster", "keygen", "--out", other)
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"wrong secret", []string{"--name", "n3", "--secret-file", other}, []string{"secret", c.members["n1"].reached}},
		{"no secret", []string{"--name", "n3"}, []string{"secret", c.members["n1"].reached}},
		{"name of a living node", []string{"--name", "n2", "--secret-file", c.secret()}, []string{"name", "n2", c.members["n2"].reached}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := run(t, append([]string{"node", "--data-dir", t.TempDir(), "--exchange", c.exchange, "--http", "127.0.0.1:0",
				"--profile", "local", "--bind", freeAddress(t), "--join", c.members["n1"].reached}, test.args...)...)
			if o.code != 1 || o.stdout != "" {
				t.Errorf("exit code %d, printed %q, want code 1 and nothing", o.code, o.stdout)
			}
			checkTold(t, strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"), test.want...)
		})
	}
	for _, m := range c.running() {
		s := clusterStatus(t, m)
		for _, n := range s.Nodes {
			if n.State != "alive" || n.Name != "n1" && n.Name != "n2" {
				t.Errorf("%s sees %+v", m.name, n)
			}
		}
		if len(s.Nodes) != 2 || !s.Quorum {
			t.Errorf("%s sees %d nodes, quorum %v", m.name, len(s.Nodes), s.Quorum)
		}
	}
	for _, m := range c.running() {
		c.stop(m.name)
	}
}

func TestThePortsOfANodeGiveNothingToStrangers(t *testing.T) {
	c := openMarket(t, walking)
	c.found("alder")
	gossip := c.members["alder"].bind
	status := clusterStatus(t, c.members["alder"])
	door := status.Nodes[0].Peer
	const request = "GET /api/v1/status HTTP/1.1\r\nHost: alder\r\n\r\n"
	for _, address := range []string{gossip, door} {
		t.Run("plain call of "+address, func(t *testing.T) {
			checkNothingTold(t, converse(t, address, request, func(c net.Conn) net.Conn { return c }))
		})
	}
	for name, certificates := range map[string][]tls.Certificate{"without a certificate": nil, "with a self-made certificate": {selfMade(t, "alder")}} {
		for _, protocol := range []string{"hedgehog-call/1", "hedgehog-raft/1", "hedgehog-events/1", "http/1.1"} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				config := &tls.Config{InsecureSkipVerify: true, Certificates: certificates, NextProtos: []string{protocol}, ServerName: "member.hedgehog.internal"}
				if told := converse(t, door, request, func(c net.Conn) net.Conn { return tls.Client(c, config) }); told != "" {
					t.Errorf("told %q", told)
				}
			})
		}
	}
	c.stop("alder")
}

// converse says something at the address and returns what is answered until the
// other end closes.
func converse(t testing.TB, address, says string, over func(net.Conn) net.Conn) string {
	t.Helper()
	raw, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	connection := over(raw)
	_, _ = io.WriteString(connection, says) // it may be closed already
	answer, err := io.ReadAll(connection)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s keeps a stranger's connection open", address)
	}
	return string(answer)
}

// checkNothingTold expects no words in an answer.
func checkNothingTold(t testing.TB, answer string) {
	t.Helper()
	for _, word := range append([]string{"alder", "hedgehog", "HTTP", "127.0.0.1"}, walking...) {
		if strings.Contains(answer, word) {
			t.Errorf("told %q", answer)
		}
	}
}

// selfMade returns a certificate as a member's, signed by nobody else.
func selfMade(t testing.TB, node string) tls.Certificate {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: node},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"member.hedgehog.internal"}, URIs: []*url.URL{{Scheme: "hedgehog", Opaque: "node:" + node}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

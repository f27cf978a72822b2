package node_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// writeCertificate writes a certificate for 127.0.0.1 of the given number, with its
// key, as if it had been written so long after others.
func writeCertificate(t *testing.T, dir string, number int64, later time.Duration) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, is, is, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if at := time.Now().Add(later); os.Chtimes(path, at, at) != nil {
			t.Fatal("set the file's time")
		}
	}
	return cert, key
}

// shownCertificate returns the number of the certificate that the node shows.
func shownCertificate(t *testing.T, address string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // only looked at
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestTheAPIWithTLS(t *testing.T) {
	cert, key := writeCertificate(t, t.TempDir(), 1, 0)
	n := listeningNode(t, slog.DiscardHandler, func(c *node.Config) { c.HTTPCert, c.HTTPKey = cert, key })
	address := n.Address().String()
	content, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(content)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("https://" + address + "/api/v1/session")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d over TLS, want 200", answer.StatusCode)
	}
	if plain, err := http.Get("http://" + address + "/api/v1/session"); err == nil {
		plain.Body.Close()
		if plain.StatusCode == http.StatusOK {
			t.Error("it answers without TLS")
		}
	}

	writeCertificate(t, filepath.Dir(cert), 2, time.Minute)
	if got := shownCertificate(t, address); got != 2 {
		t.Errorf("certificate %d is shown after it was renewed, want 2", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shownCertificate(t, address); got != 2 {
		t.Errorf("certificate %d is shown while its file is of no use, want 2 still", got)
	}
}

func TestACertificateThatCannotBeUsedIsAnErrorAtTheStart(t *testing.T) {
	config := node.DefaultConfig()
	config.HTTP, config.DataDir = "127.0.0.1:0", t.TempDir()
	config.HTTPCert, config.HTTPKey = filepath.Join(t.TempDir(), "none.pem"), filepath.Join(t.TempDir(), "none.pem")
	n, err := node.New(config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--http-cert") {
		t.Errorf("error %v, want one that says --http-cert", err)
	}
}

// listeningNode runs a node until the test ends; it may not be ready yet.
func listeningNode(t *testing.T, log slog.Handler, change func(*node.Config)) *node.Node {
	t.Helper()
	config := node.DefaultConfig()
	config.Name, config.HTTP, config.DataDir, config.Profile, config.Exchange = "n1", "127.0.0.1:0", t.TempDir(), "local", quietMarket(t).url
	change(&config)
	n, err := node.New(config, slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("node ended with: %v", err)
		}
	})
	waitFor(t, "the node to listen", func() (bool, bool) { return true, n.Address() != nil })
	return n
}

// logged is a log that tests read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The addresses of this machine other than loopback are as good as another machine's.
func TestAnAddressThatOthersReachLetsNobodyInWithoutAToken(t *testing.T) {
	var log logged
	n := listeningNode(t, slog.NewTextHandler(&log, nil), func(c *node.Config) { c.HTTP = "0.0.0.0:0" })
	waitFor(t, "the log to warn", func() (bool, bool) { return true, strings.Contains(log.String(), "without TLS") })
	port := n.Address().AddrPort().Port()
	local := clientAt(t, (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}).String())
	waitFor(t, "the node to know the exchange", func() (api.Status, bool) {
		s, err := local.Status(t.Context())
		return s, err == nil && s.Exchange.Ready
	})
	// Asked by a name that is not of loopback, it can't know that the caller is here.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Address().String()+"/api/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Host, request.Host = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}).String(), "node.example"
	ask := func() int {
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := ask(); got != http.StatusForbidden {
		t.Errorf("without tokens: %d, want 403", got)
	}
	made, err := local.MakeToken(t.Context(), api.NewToken{Name: "root", Role: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("without one of the tokens: %d, want 401", got)
	}
	request.Header.Set("Authorization", "Bearer "+made.Secret)
	if got := ask(); got != http.StatusOK {
		t.Errorf("with the token: %d, want 200", got)
	}
	local.SetToken(access.Secret(made.Secret))
	if c, err := local.Cluster(t.Context()); err != nil || len(c.Nodes) != 1 || !strings.HasPrefix(c.Nodes[0].HTTP, "127.0.0.1:") {
		t.Errorf("the node is said to be at %+v, %v; want an address that can be dialled", c.Nodes, err)
	}
}

func clientAt(t *testing.T, address string) *api.Client {
	t.Helper()
	c, err := api.NewClient(address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

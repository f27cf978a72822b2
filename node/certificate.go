package node

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// certificate is the API's. Its files are looked at with every connection, so that a
// renewed one counts without a restart.
type certificate struct {
	cert, key string // paths
	log       *slog.Logger

	mu     sync.Mutex // guards what follows
	loaded *tls.Certificate
	stamp  [2]time.Time // of the files, when they were looked at last
}

// openCertificate reads the files.
func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	stamp, err := c.stamps()
	if err != nil {
		return nil, err
	}
	loaded, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	c.loaded, c.stamp = &loaded, stamp
	return c, nil
}

func (c *certificate) stamps() (stamp [2]time.Time, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

// get returns the certificate that the files hold. When they have changed and are not
// to be used, which between the writing of one and of the other is usual, it is the one
// before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp, err := c.stamps()
	if err != nil || stamp == c.stamp {
		return c.loaded, nil
	}
	c.stamp = stamp
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		c.log.Error("the API's new certificate can't be used, the one before goes on", "cert", c.cert, "error", err)
		return c.loaded, nil
	}
	c.log.Info("the API has a new certificate", "cert", c.cert)
	c.loaded = &loaded
	return c.loaded, nil
}

// withTLS returns the API's listener as the configuration wants it, and the scheme of
// its URLs.
func (n *Node) withTLS(listener net.Listener) (_ net.Listener, scheme string, err error) {
	if n.config.HTTPCert == "" {
		return listener, "http", nil
	}
	c, err := openCertificate(n.config.HTTPCert, n.config.HTTPKey, n.log)
	if err != nil {
		return nil, "", fmt.Errorf("certificate of the API: %w: give its files with --http-cert and --http-key", err)
	}
	return tls.NewListener(listener, &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), "https", nil
}

// reachedAt is where others reach the API that listens at address: what listens at
// all addresses is told with the one that the node has for its peers.
func reachedAt(address net.Addr, peer string) string {
	listening, ok := address.(*net.TCPAddr)
	if !ok || !listening.IP.IsUnspecified() {
		return address.String()
	}
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return address.String()
	}
	return net.JoinHostPort(host, fmt.Sprint(listening.Port))
}

package peer

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/url"
	"strings"
	"time"
)

const (
	// clockError is how far the wall clocks of two members may be apart.
	clockError = 24 * time.Hour
	// leafLife is how long a node can run without a restart.
	leafLife = 10 * 365 * 24 * time.Hour

	// serverName is the name that every member serves under: TLS wants one, and
	// knows nothing of nodes.
	serverName = "member.hedgehog.internal"

	nameScheme = "hedgehog"
	namePrefix = "node:"
	nameLimit  = 63
)

// CheckName tells whether the text can be a node's name: 1 to 63 letters,
// digits, dots, hyphens and underscores, the first a letter or a digit.
func CheckName(name string) error {
	if name == "" || len(name) > nameLimit {
		return fmt.Errorf("node name of %d characters: it takes 1 to %d", len(name), nameLimit)
	}
	for i, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("._-", c) >= 0:
		default:
			return fmt.Errorf("node name %q: character %q at %d is not allowed", name, c, i+1)
		}
	}
	return nil
}

// Identity is a node's certificate with its key, and what it takes to know the
// other members by theirs. Printed or logged it shows the node's name alone.
type Identity struct {
	node        string
	leaf        tls.Certificate
	members     *x509.CertPool
	withoutDoor bool // made from NoSecret
}

// NewIdentity returns a fresh identity for the named node. now is the wall
// clock's time; the members' clocks may be a day apart.
func NewIdentity(s Secret, node string, now time.Time) (Identity, error) {
	if s == (Secret{}) {
		return Identity{}, fmt.Errorf("%w: it is empty", ErrBadSecret)
	}
	if err := CheckName(node); err != nil {
		return Identity{}, err
	}
	authorityKey := ed25519.NewKeyFromSeed(s.derive("hedgehog certificate authority 1", ed25519.SeedSize))
	authority, err := newAuthority(authorityKey, s.ClusterID())
	if err != nil {
		return Identity{}, fmt.Errorf("make the authority's certificate: %w", err)
	}
	leaf, err := newLeaf(authorityKey, authority, node, now)
	if err != nil {
		return Identity{}, fmt.Errorf("make the certificate of node %s: %w", node, err)
	}
	members := x509.NewCertPool()
	members.AddCert(authority)
	return Identity{node: node, leaf: leaf, members: members, withoutDoor: s == NoSecret()}, nil
}

// newAuthority returns the certificate that the members' certificates are
// signed by. Every node makes its own; only its key and names have to agree.
func newAuthority(key ed25519.PrivateKey, cluster string) (*x509.Certificate, error) {
	public := key.Public().(ed25519.PublicKey)
	keyID := sha256.Sum256(public)
	return sign(key, &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "hedgehog cluster " + cluster},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:              x509.KeyUsageCertSign,
		SubjectKeyId:          keyID[:20],
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}, nil, public)
}

func newLeaf(authorityKey ed25519.PrivateKey, authority *x509.Certificate, node string, now time.Time) (tls.Certificate, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := sign(authorityKey, &x509.Certificate{
		Subject:     pkix.Name{CommonName: node},
		NotBefore:   now.Add(-clockError),
		NotAfter:    now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{serverName},
		URIs:        []*url.URL{{Scheme: nameScheme, Opaque: namePrefix + node}},
	}, authority, public)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// sign returns the certificate for the public key, signed by key in the name of
// parent, or of itself where parent is nil.
func sign(key ed25519.PrivateKey, template, parent *x509.Certificate, public ed25519.PublicKey) (*x509.Certificate, error) {
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// nodeOf returns the node that a certificate was made for.
func nodeOf(leaf *x509.Certificate) (string, error) {
	for _, uri := range leaf.URIs {
		name, ok := strings.CutPrefix(uri.Opaque, namePrefix)
		if uri.Scheme == nameScheme && ok {
			return name, CheckName(name)
		}
	}
	return "", errors.New("the certificate names no node")
}

// Node returns the node's name.
func (id Identity) Node() string { return id.node }

// Format shows the node's name and nothing else, whatever the verb.
func (id Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "identity of "+id.node) }

// LogValue is the node's name.
func (id Identity) LogValue() slog.Value { return slog.StringValue(id.node) }

// server returns the settings of the side that accepts, for the protocols.
func (id Identity) server(protocols []string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.leaf},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              id.members,
		NextProtos:             protocols,
		SessionTicketsDisabled: true, // connections last; nothing is gained by resuming one
		VerifyConnection: func(state tls.ConnectionState) error {
			if state.NegotiatedProtocol == "" {
				return errors.New("the client asks for no protocol")
			}
			_, err := nodeOf(state.PeerCertificates[0])
			return err
		},
	}
}

// client returns the settings of the side that dials; any node will do where
// want is empty.
func (id Identity) client(protocol, want string) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{id.leaf},
		RootCAs:      id.members,
		ServerName:   serverName,
		NextProtos:   []string{protocol},
		VerifyConnection: func(state tls.ConnectionState) error {
			node, err := nodeOf(state.PeerCertificates[0])
			if err != nil {
				return err
			}
			if want != "" && node != want {
				return fmt.Errorf("%w: it is %s, not %s", ErrOtherNode, node, want)
			}
			if state.NegotiatedProtocol != protocol {
				return fmt.Errorf("node %s does not speak %s", node, protocol)
			}
			return nil
		},
	}
}

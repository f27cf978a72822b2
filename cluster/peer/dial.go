package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

var (
	// ErrNoTLS is returned when the other end does not speak TLS.
	ErrNoTLS = errors.New("the other end does not speak TLS")
	// ErrOtherSecret is returned when the other end's certificate does not come
	// from this cluster's secret.
	ErrOtherSecret = errors.New("the other end has another secret")
	// ErrOtherNode is returned when another node than the wanted one answers.
	ErrOtherNode = errors.New("another node answers")
	// ErrClocks is returned when the wall clocks of the two ends are more than a
	// day apart.
	ErrClocks = errors.New("the clocks of the two ends are more than a day apart")
)

// Dial connects to the member at the address and speaks the protocol there. The
// node has to be wantNode; an empty one is any member. It gives up when ctx ends
// or after 5 s. Errors tell what is at the other end instead of the wanted one
// (ErrNoTLS, ErrOtherSecret, ErrOtherNode, ErrClocks). The connection is the
// caller's to close.
func (p *Port) Dial(ctx context.Context, protocol, address, wantNode string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.handshakeTimeout)
	defer cancel()
	dialer := net.Dialer{Control: p.id.control}
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial %s for %s: %w", address, protocol, err)
	}
	secured := tls.Client(raw, p.id.client(protocol, wantNode))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("dial %s for %s: %w", address, protocol, explain(err))
	}
	node, err := nodeOf(secured.ConnectionState().PeerCertificates[0])
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("dial %s for %s: %w", address, protocol, err)
	}
	return &conn{Conn: secured, node: node}, nil
}

// explain puts into words what a failed handshake says of the other end.
func explain(err error) error {
	var noTLS tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var otherName x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &noTLS):
		return fmt.Errorf("%w: %w", ErrNoTLS, err)
	case errors.As(err, &unknown), errors.As(err, &otherName):
		return fmt.Errorf("%w: %w", ErrOtherSecret, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w: %w", ErrClocks, err)
	}
	return err
}

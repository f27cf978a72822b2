package peer

import (
	"crypto/tls"
	"time"
)

// HandshakesLimit is how many handshakes a port has under way at most.
const HandshakesLimit = handshakesLimit

// SetHandshakeTimeout shortens the time that a client has, in ms rather than s.
func (p *Port) SetHandshakeTimeout(d time.Duration) { p.handshakeTimeout = d }

// ClientConfig returns the settings that the identity dials with.
func (id Identity) ClientConfig(protocol, want string) *tls.Config { return id.client(protocol, want) }

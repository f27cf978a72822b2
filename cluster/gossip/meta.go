package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// ErrMeta is returned when a Meta, one's own or a peer's, is not valid.
var ErrMeta = errors.New("bad metadata")

const (
	// metaVersion is the version of the encoding. Fields may be added at its end
	// without a new one: who does not know them passes over them.
	metaVersion = 1
	// leavingFlag says that the node is about to leave.
	leavingFlag = 1

	// The limits of addresses and words, in bytes, keep the whole below the 512
	// that memberlist carries.
	addressLimit = 120
	wordLimit    = 64
)

// Meta is what a node tells the others of itself.
type Meta struct {
	// Peer is the address of the node's TLS port, host:port.
	Peer string
	// Version is the version of the program.
	Version string
	// Zone is what the node may fail together with; may be empty.
	Zone string
	// HTTP is the address of the node's API and page, host:port; may be empty.
	HTTP string
	// ClusterID names the cluster that the node is part of; empty while it is part
	// of none. Nodes of two different ones do not meet.
	ClusterID string
	// Started tells the runs of a node apart: the µs since the Unix epoch when
	// this one began.
	Started int64
}

// Validate names the field that cannot be told to others.
func (m Meta) Validate() error {
	if err := checkAddress("peer", m.Peer); err != nil {
		return err
	}
	if m.HTTP != "" {
		if err := checkAddress("http", m.HTTP); err != nil {
			return err
		}
	}
	for _, word := range []struct{ name, text string }{
		{"version", m.Version}, {"zone", m.Zone}, {"cluster id", m.ClusterID},
	} {
		if err := checkText(word.name, word.text, wordLimit); err != nil {
			return err
		}
	}
	if m.Started < 0 {
		return fmt.Errorf("%w: started %d is before 1970", ErrMeta, m.Started)
	}
	return nil
}

func checkAddress(name, address string) error {
	if err := checkText(name, address, addressLimit); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s %q is not host:port", ErrMeta, name, address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 {
		return fmt.Errorf("%w: %s %q names no host or no port", ErrMeta, name, address)
	}
	return nil
}

// checkText keeps out what could deface a log or a page.
func checkText(name, text string, limit int) error {
	if len(text) > limit {
		return fmt.Errorf("%w: %s has %d bytes, more than %d", ErrMeta, name, len(text), limit)
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("%w: %s %q has characters other than printable ASCII", ErrMeta, name, text)
		}
	}
	return nil
}

// appendMeta appends version, flags, Started, and each text after its length.
func appendMeta(dst []byte, m Meta, leaving bool) []byte {
	flags := byte(0)
	if leaving {
		flags |= leavingFlag
	}
	dst = append(dst, metaVersion, flags)
	dst = binary.AppendUvarint(dst, uint64(m.Started))
	for _, text := range []string{m.Peer, m.Version, m.Zone, m.HTTP, m.ClusterID} {
		dst = append(dst, byte(len(text))) // the limits are below 256
		dst = append(dst, text...)
	}
	return dst
}

// parseMeta reads what a peer's appendMeta wrote.
func parseMeta(data []byte) (m Meta, leaving bool, err error) {
	if len(data) < 2 {
		return Meta{}, false, fmt.Errorf("%w: %d bytes", ErrMeta, len(data))
	}
	if data[0] != metaVersion {
		return Meta{}, false, fmt.Errorf("%w: its version is %d, this node's is %d", ErrMeta, data[0], metaVersion)
	}
	leaving = data[1]&leavingFlag != 0
	started, n := binary.Uvarint(data[2:])
	if n <= 0 || started > 1<<63-1 {
		return Meta{}, false, fmt.Errorf("%w: started is no number", ErrMeta)
	}
	m.Started = int64(started)
	rest := data[2+n:]
	for _, text := range []*string{&m.Peer, &m.Version, &m.Zone, &m.HTTP, &m.ClusterID} {
		if len(rest) == 0 || len(rest)-1 < int(rest[0]) {
			return Meta{}, false, fmt.Errorf("%w: it is cut off after %d bytes", ErrMeta, len(data))
		}
		*text, rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	return m, leaving, m.Validate()
}

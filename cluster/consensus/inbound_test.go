package consensus_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/raft"
)

// Kinds of message as raft's network transport numbers them.
const (
	appendEntries   = 0
	installSnapshot = 2
)

// message is what a peer would send.
func message(tb testing.TB, kind byte, body any, more ...byte) []byte {
	tb.Helper()
	out := bytes.NewBuffer([]byte{kind})
	if err := codec.NewEncoder(out, &codec.MsgpackHandle{}).Encode(body); err != nil {
		tb.Fatal(err)
	}
	return append(out.Bytes(), more...)
}

// say sends bytes to the node as a peer and waits until it has dealt with them.
func say(tb testing.TB, n *node, data []byte) {
	tb.Helper()
	conn, err := net.Dial("tcp", n.address())
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		tb.Fatal(err)
	}
	if _, err := conn.Write(data); err != nil {
		return // it has hung up
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}

func header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: 3, ID: []byte("n9"), Addr: []byte("127.0.0.1:1")}
}

// broken are messages that can be decoded and would take the library down.
func broken(tb testing.TB) map[string][]byte {
	entries := func(logs ...*raft.Log) []byte {
		return message(tb, appendEntries, raft.AppendEntriesRequest{RPCHeader: header(), Term: 1000, Entries: logs})
	}
	snapshot := func(configuration []byte, version raft.SnapshotVersion) []byte {
		return message(tb, installSnapshot, raft.InstallSnapshotRequest{RPCHeader: header(), SnapshotVersion: version, Term: 1000, LastLogIndex: 9, LastLogTerm: 9, Configuration: configuration, ConfigurationIndex: 1, Size: 1}, '{')
	}
	return map[string][]byte{
		"an entry that is missing":                      entries(nil),
		"a configuration that can't be decoded":         entries(&raft.Log{Index: 1, Term: 1000, Type: raft.LogConfiguration, Data: []byte{0xc1}}),
		"a configuration without servers":               entries(&raft.Log{Index: 1, Term: 1000, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(raft.Configuration{})}),
		"an entry of an unknown type":                   entries(&raft.Log{Index: 1, Term: 1000, Type: 77}),
		"entries with a hole":                           entries(&raft.Log{Index: 1, Term: 1000}, &raft.Log{Index: 3, Term: 1000}),
		"an entry without an index":                     entries(&raft.Log{Term: 1000}),
		"a snapshot's configuration that is no such":    snapshot([]byte{0xc1}, 1),
		"a snapshot of an old version":                  snapshot(nil, 0),
		"no message at all":                             []byte("GET / HTTP/1.1\r\n\r\n"),
		"an empty append":                               message(tb, appendEntries, raft.AppendEntriesRequest{}),
		"a snapshot that says nothing":                  message(tb, installSnapshot, raft.InstallSnapshotRequest{}),
		"a message that ends early":                     entries(&raft.Log{Index: 1})[:20],
		"a configuration of the same server many times": entries(&raft.Log{Index: 1, Term: 1000, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(raft.Configuration{Servers: make([]raft.Server, 3)})}),
	}
}

func TestABrokenMessageIsRefusedAndHarmsNothing(t *testing.T) {
	n := leader(t, newNode(t, newNetwork(), "n1", bootstrap).start(t))
	n.propose(t, "before")
	term := n.Term()
	for name, data := range broken(t) {
		say(t, n, data)
		if n.Term() != term {
			t.Fatalf("%s: term %d became %d", name, term, n.Term())
		}
	}
	n.propose(t, "after")
	n.ledger.await(t, []string{"before", "after"})
}

func FuzzPeerBytes(f *testing.F) {
	for _, data := range broken(f) {
		f.Add(data)
	}
	f.Add(message(f, appendEntries, raft.AppendEntriesRequest{RPCHeader: header(), Entries: []*raft.Log{{Index: 1, Term: 1}}}))
	n := leader(f, newNode(f, newNetwork(), "n1", bootstrap).start(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		say(t, n, data)
		if n.Servers() == nil || n.Term() == 0 {
			t.Fatal("the node has ended")
		}
	})
}

package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"hedgehog/cluster/gossip"
	"hedgehog/cluster/peer"
)

// refused joins and returns the error that has to come before patience ends.
func refused(tb testing.TB, g *gossip.Gossip, want error, addresses ...string) error {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	err := g.Join(ctx, addresses)
	if !errors.Is(err, want) {
		tb.Fatalf("error %v, want %v", err, want)
	}
	return err
}

func TestALivingNameIsRefused(t *testing.T) {
	t.Parallel()
	elder, n2 := start(t, newConfig("n1")), start(t, newConfig("n2"))
	join(t, n2.Gossip, elder.Address())
	sees(t, n2.Gossip, "n1=alive n2=alive")
	for name, through := range map[string]string{"the elder itself": elder.Address(), "another member": n2.Address()} {
		c := newConfig("n1")
		c.Meta.Started = 2
		newcomer := start(t, c)
		err := refused(t, newcomer.Gossip, gossip.ErrNameTaken, through)
		if !strings.Contains(err.Error(), elder.Address()) {
			t.Errorf("through %s: %q does not say where the other lives", name, err)
		}
		if err := newcomer.ended(); !errors.Is(err, gossip.ErrNameTaken) {
			t.Errorf("through %s: Run returned %v", name, err)
		}
	}
	for _, g := range []node{elder, n2} {
		members := sees(t, g.Gossip, "n1=alive n2=alive")
		if members[0].Address != elder.Address() || members[0].Meta.Started != 1 {
			t.Errorf("n1 is seen as %+v", members[0])
		}
	}
	if err := elder.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("the elder's Run returned %v", err)
	}
}

func TestAnotherSecretKeepsOut(t *testing.T) {
	t.Parallel()
	n1 := start(t, newConfig("n1"))
	for name, key := range map[string][]byte{"another": bytes.Repeat([]byte{7}, 32), "none": peer.NoSecret().GossipKey()} {
		c := newConfig("n2")
		c.Key = key
		n2 := start(t, c)
		err := refused(t, n2.Gossip, gossip.ErrWrongSecret, n1.Address())
		if !strings.Contains(err.Error(), n1.Address()) {
			t.Errorf("secret %s: %q does not say where", name, err)
		}
		if a, b := summary(n1.Members()...), summary(n2.Members()...); a != "n1=alive" || b != "n2=alive" {
			t.Errorf("secret %s: they see %s and %s", name, a, b)
		}
	}
}

// bare is a memberlist node that is none of ours.
func bare(tb testing.TB, name string, key, meta []byte) *memberlist.Memberlist {
	tb.Helper()
	c := memberlist.DefaultLocalConfig()
	c.Name, c.BindAddr, c.BindPort, c.SecretKey = name, "127.0.0.1", 0, key
	c.Logger, c.Delegate = log.New(io.Discard, "", 0), metaOnly(meta)
	m, err := memberlist.Create(c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = m.Shutdown() })
	return m
}

type metaOnly []byte

func (m metaOnly) NodeMeta(int) []byte             { return m }
func (m metaOnly) NotifyMsg([]byte)                {}
func (m metaOnly) GetBroadcasts(_, _ int) [][]byte { return nil }
func (m metaOnly) LocalState(bool) []byte          { return nil }
func (m metaOnly) MergeRemoteState([]byte, bool)   {}

func TestNoKeyKeepsOut(t *testing.T) {
	t.Parallel()
	n1 := start(t, newConfig("n1"))
	stranger := bare(t, "n2", nil, gossip.AppendMeta(nil, newConfig("n2").Meta, false))
	if _, err := stranger.Join([]string{n1.Address()}); err == nil {
		t.Error("joined without a key")
	}
	refused(t, n1.Gossip, gossip.ErrWrongSecret, stranger.LocalNode().Address())
	if got := summary(n1.Members()...); got != "n1=alive" {
		t.Errorf("n1 sees %s", got)
	}
}

func TestTwoClustersDoNotMeet(t *testing.T) {
	t.Parallel()
	ours, theirs := newConfig("n1"), newConfig("n2")
	ours.Meta.ClusterID, theirs.Meta.ClusterID = "ours", "theirs"
	n1, n2 := start(t, ours), start(t, theirs)
	err := refused(t, n2.Gossip, gossip.ErrOtherCluster, n1.Address())
	if !strings.Contains(err.Error(), "is of ours, this one of theirs") {
		t.Errorf("error %q", err)
	}
	if a, b := summary(n1.Members()...), summary(n2.Members()...); a != "n1=alive" || b != "n2=alive" {
		t.Errorf("they see %s and %s", a, b)
	}
	fresh := start(t, newConfig("n3"))
	join(t, fresh.Gossip, n1.Address())
	sees(t, n1.Gossip, "n1=alive n3=alive")
	refused(t, n2.Gossip, gossip.ErrOtherCluster, fresh.Address()) // it is no bridge
	refused(t, fresh.Gossip, gossip.ErrOtherCluster, n2.Address())
	for _, g := range []node{n1, fresh} {
		if got := summary(g.Members()...); got != "n1=alive n3=alive" {
			t.Errorf("a node sees %s", got)
		}
	}
}

// A node that minds no clusters must not bring two together.
func TestANodeOfAnotherClusterIsNotTakenOnHearsay(t *testing.T) {
	t.Parallel()
	c := newConfig("n1")
	c.Meta.ClusterID = "ours"
	n1 := start(t, c)
	theirs := newConfig("n2").Meta
	theirs.ClusterID = "theirs"
	n2 := bare(t, "n2", secret.GossipKey(), gossip.AppendMeta(nil, theirs, false))
	bridge := bare(t, "n3", secret.GossipKey(), gossip.AppendMeta(nil, newConfig("n3").Meta, false))
	if _, err := bridge.Join([]string{n1.Address()}); err != nil {
		t.Fatal(err)
	}
	if _, err := bridge.Join([]string{n2.LocalNode().Address()}); err != nil {
		t.Fatal(err)
	}
	n4 := bare(t, "n4", secret.GossipKey(), gossip.AppendMeta(nil, newConfig("n4").Meta, false))
	if _, err := bridge.Join([]string{n4.LocalNode().Address()}); err != nil {
		t.Fatal(err)
	}
	// The bridge spreads news of n2 and then of n4.
	sees(t, n1.Gossip, "n1=alive n3=alive n4=alive")
}

func TestNodesWhoseMetadataCannotBeReadStayOut(t *testing.T) {
	t.Parallel()
	newer := gossip.AppendMeta(nil, newConfig("n2").Meta, false)
	newer[0] = 2
	for name, c := range map[string]struct {
		node string
		meta []byte
		want string
	}{
		"a newer version": {"n2", newer, "its version is 2, this node's is 1"},
		"none":            {"n2", nil, "0 bytes"},
		"garbage":         {"n2", bytes.Repeat([]byte{255}, 512), "version"},
		"cut off":         {"n2", gossip.AppendMeta(nil, newConfig("n2").Meta, false)[:9], "cut off"},
		"a bad name":      {"n 2\n", gossip.AppendMeta(nil, newConfig("n2").Meta, false), "node name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n1 := start(t, newConfig("n1"))
			other := bare(t, c.node, secret.GossipKey(), c.meta)
			_, _ = other.Join([]string{n1.Address()}) // it may take us; we do not take it
			err := refused(t, n1.Gossip, gossip.ErrMeta, other.LocalNode().Address())
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q", err, c.want)
			}
			n3 := start(t, newConfig("n3"))
			join(t, n3.Gossip, n1.Address())
			sees(t, n1.Gossip, "n1=alive n3=alive")
		})
	}
}

func TestJoinGoesOnUntilSomebodyAnswers(t *testing.T) {
	t.Parallel()
	c := newConfig("n1")
	early := open(t, c) // to find a port that is free
	early.Kill()
	c.Bind = early.Address()
	n2 := start(t, newConfig("n2"))
	joined := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { joined <- n2.Join(ctx, []string{"127.0.0.1:1", "nobody.invalid:7946", n2.Address(), c.Bind}) }()
	select {
	case err := <-joined:
		t.Fatalf("joined nobody: %v", err)
	case <-time.After(100 * time.Millisecond): // a failed attempt or two
	}
	n1 := start(t, c)
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	sees(t, n1.Gossip, "n1=alive n2=alive")
}

func TestJoinEndsWithItsContextAndTellsWhy(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	n1 := start(t, newConfig("n1"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := silent.Accept(); err == nil {
			cancel() // in the midst of an exchange
			defer c.Close()
			_, _ = io.Copy(io.Discard, c)
		}
	}()
	err = n1.Join(ctx, []string{"127.0.0.1:1", silent.Addr().String()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = n1.Join(ctx, []string{"127.0.0.1:1"})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v, want the deadline and the refusal", err)
	}
}

func TestJoinByAName(t *testing.T) {
	t.Parallel()
	n1, n2 := start(t, newConfig("n1")), start(t, newConfig("n2"))
	_, port, err := net.SplitHostPort(n1.Address())
	if err != nil {
		t.Fatal(err)
	}
	join(t, n2.Gossip, net.JoinHostPort("localhost", port))
	sees(t, n1.Gossip, "n1=alive n2=alive")
}

func TestAddressesToJoinAreChecked(t *testing.T) {
	t.Parallel()
	n1 := start(t, newConfig("n1"))
	if err := n1.Join(t.Context(), nil); err != nil {
		t.Errorf("nobody to join: %v", err)
	}
	for _, address := range []string{"", "host", ":7000", "host:0", "n1/127.0.0.1:7000 ", "host:7000:1"} {
		if err := n1.Join(t.Context(), []string{address}); err == nil || !strings.Contains(err.Error(), "join address") {
			t.Errorf("address %q: error %v", address, err)
		}
	}
}

func TestGarbageAtThePortHurtsNobody(t *testing.T) {
	t.Parallel()
	c := newConfig("n1")
	c.Timing.Stream = time.Minute // so that time does not help
	n1 := start(t, c)
	var first net.Conn
	for i := range 3 * gossip.StreamsLimit {
		c, err := net.Dial("tcp", n1.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if first == nil {
			first = c // stays silent
		} else if i%2 == 0 { // the beginning of 20 MB that nobody has signed
			_, _ = c.Write([]byte{10, 1, 0x31, 0x2d, 0, 1, 2, 3})
		}
	}
	if err := first.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the oldest stream still has its place")
	}
	udp, err := net.Dial("udp", n1.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for i := range 256 {
		_, _ = udp.Write(bytes.Repeat([]byte{byte(i)}, i))
	}
	n2 := start(t, newConfig("n2"))
	join(t, n2.Gossip, n1.Address())
	sees(t, n1.Gossip, "n1=alive n2=alive")
}

func TestACaptureShowsNoPlainText(t *testing.T) {
	t.Parallel()
	c := newConfig("first-node")
	c.Meta.Zone = "some-zone-of-ours"
	g := start(t, c)
	other := open(t, newConfig("second-node"))
	join(t, g.Gossip, other.Address())
	other.Kill()
	at, err := net.ResolveUDPAddr("udp", other.Address())
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenUDP("udp", at) // what was meant for the second node
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	streams, err := net.Listen("tcp", other.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Close()

	var captured []byte
	part := make([]byte, 1<<16)
	_ = packets.SetReadDeadline(time.Now().Add(patience))
	for range 3 {
		n, err := packets.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		captured = append(captured, part[:n]...)
	}
	_ = streams.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	stream, err := streams.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	n, err := stream.Read(part)
	if err != nil {
		t.Fatal(err)
	}
	captured = append(captured, part[:n]...)
	for _, plain := range []string{"first-node", "second-node", "some-zone", "v1.2.3", "127.0.0.1", "Incarnation", "SeqNo"} {
		if bytes.Contains(captured, []byte(plain)) {
			t.Errorf("%q can be read in %d bytes", plain, len(captured))
		}
	}
}

func TestManyNodesJoinAtOnce(t *testing.T) {
	t.Parallel()
	n0 := start(t, newConfig("n0"))
	const others = 8
	joined := make(chan error, others)
	want := "n0=alive"
	for i := 1; i <= others; i++ {
		n := start(t, newConfig("n"+strconv.Itoa(i)))
		want += fmt.Sprintf(" n%d=alive", i)
		go func() { joined <- n.Join(t.Context(), []string{n0.Address()}) }()
	}
	for range others {
		if err := <-joined; err != nil {
			t.Error(err)
		}
	}
	sees(t, n0.Gossip, want)
}

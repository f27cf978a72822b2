//go:build linux

package main_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// The faults of the network are only as good as the network that has them.
func TestALANDoesToPacketsWhatItIsTold(t *testing.T) {
	needNamespaces(t)
	l := newLAN(t, 1)
	a, b := newStation(l, "a", lanBase+"1"), newStation(l, "b", lanBase+"2")
	ab, ba := way{"a", "b"}, way{"b", "a"}
	for _, test := range []struct {
		name       string
		set, unset func()
		there      int // packets that arrive of one from a to b
		back       int // and of one from b to a
		late       time.Duration
	}{
		{name: "all well", there: 1, back: 1},
		{name: "cut", set: func() { l.disconnect(ab, ba) }, unset: func() { l.reconnect(ab, ba) }},
		{name: "cut one way", set: func() { l.disconnect(ab) }, unset: func() { l.reconnect(ab) }, back: 1},
		{name: "cut twice and mended once", set: func() { l.disconnect(ab); l.disconnect(ab); l.reconnect(ab) }, unset: func() { l.reconnect(ab) }, back: 1},
		{name: "mended", there: 1, back: 1},
		{name: "slow", set: func() { l.roughen("b", link{delay: 100 * time.Millisecond}) }, there: 1, back: 1, late: 100 * time.Millisecond},
		{name: "late", set: func() { l.roughen("b", link{late: 1}) }, there: 1, back: 1, late: lateBy},
		{name: "lost", set: func() { l.roughen("a", link{loss: 1}) }},
		{name: "doubled", set: func() { l.roughen("a", link{duplicate: 1}) }, there: 2, back: 2},
		{name: "mended again", there: 1, back: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.set != nil {
				test.set()
			}
			sent := time.Now()
			a.send(t, b)
			b.send(t, a)
			b.expect(t, test.there)
			a.expect(t, test.back)
			if took := time.Since(sent); test.there > 0 && took < test.late {
				t.Errorf("arrived after %s, want at least %s", took, test.late)
			}
			if test.unset != nil {
				test.unset()
			}
			l.roughen("a", link{})
			l.roughen("b", link{})
		})
	}
}

// station is a machine with a socket.
type station struct {
	net.PacketConn
	address net.Addr
}

func newStation(l *lan, machine, address string) station {
	l.t.Helper()
	namespace := l.plug(machine, netip.MustParseAddr(address))
	var s station
	err := within(namespace, func() (err error) {
		s.PacketConn, err = new(net.ListenConfig).ListenPacket(context.Background(), "udp4", address+":7000")
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.closeInTheEnd(s.PacketConn)
	s.address = s.LocalAddr()
	return s
}

func (s station) send(t testing.TB, to station) {
	t.Helper()
	if _, err := s.WriteTo([]byte("x"), to.address); err != nil {
		t.Fatal(err)
	}
}

// expect waits for so many packets, and then in vain for one more.
func (s station) expect(t testing.TB, packets int) {
	t.Helper()
	for n := range packets + 1 {
		patient := 5 * time.Second
		if n == packets {
			patient = 30 * time.Millisecond
		}
		if err := s.SetReadDeadline(time.Now().Add(patient)); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.ReadFrom(make([]byte, 16))
		if late := errors.Is(err, os.ErrDeadlineExceeded); late != (n == packets) {
			t.Fatalf("packet %d of %d: %v", n+1, packets, err)
		}
	}
}

package main_test

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// tapHost is an address of this machine beside the usual one: what nodes tell
// others to reach them at when a wiretap is to be in between.
const tapHost = "127.0.0.2"

// wiretap stands before addresses, passes on what goes there and comes back, and
// keeps a copy. It ends with the test.
type wiretap struct {
	t       testing.TB
	passing sync.WaitGroup

	mu      sync.Mutex
	streams []*flow
	packets flow
}

// flow is what went one way.
type flow struct {
	mu   sync.Mutex
	seen bytes.Buffer
}

func (f *flow) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen.Write(p)
}

func (f *flow) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen.Len()
}

func (f *flow) has(word string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Contains(f.seen.Bytes(), []byte(word))
}

func newWiretap(t testing.TB) *wiretap {
	t.Helper()
	probe, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(tapHost, "0"))
	if err != nil {
		t.Skipf("this system has one loopback address alone: %v", err)
	}
	_ = probe.Close()
	w := &wiretap{t: t}
	t.Cleanup(w.passing.Wait) // t.Context has ended by then
	return w
}

// before stands before a node that binds to the address, and returns where others
// reach it: packets and streams of gossip, and the TLS port next to it.
func (w *wiretap) before(bind string) string {
	w.t.Helper()
	host, port, err := net.SplitHostPort(bind)
	if err != nil {
		w.t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		w.t.Fatal(err)
	}
	next := strconv.Itoa(number + 1)
	at := w.beforeStreams(net.JoinHostPort(tapHost, port), bind)
	w.beforeStreams(net.JoinHostPort(tapHost, next), net.JoinHostPort(host, next))
	w.beforePackets(at, bind)
	return at
}

// beforeStreams passes on the connections to one address to another, and returns
// the first, with the port that it got.
func (w *wiretap) beforeStreams(at, to string) string {
	w.t.Helper()
	listener, err := new(net.ListenConfig).Listen(w.t.Context(), "tcp", at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.closeInTheEnd(listener)
	w.passing.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // closed
			}
			w.passing.Go(func() { w.passStream(from, to) })
		}
	})
	return listener.Addr().String()
}

// closeInTheEnd closes c when the test ends, which ends who waits for it.
func (w *wiretap) closeInTheEnd(c io.Closer) {
	w.passing.Go(func() {
		<-w.t.Context().Done()
		_ = c.Close()
	})
}

func (w *wiretap) passStream(from net.Conn, to string) {
	onward, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", to)
	if err != nil {
		_ = from.Close() // as whoever is there would have refused it
		return
	}
	w.closeInTheEnd(from)
	w.closeInTheEnd(onward)
	w.passing.Go(func() { w.copy(from, onward) })
	w.copy(onward, from)
}

// copy passes on one way until an end of it is closed, and closes both.
func (w *wiretap) copy(to, from net.Conn) {
	f := new(flow)
	w.mu.Lock()
	w.streams = append(w.streams, f)
	w.mu.Unlock()
	_, _ = io.Copy(io.MultiWriter(to, f), from) // either end may go at any time
	_ = to.Close()
	_ = from.Close()
}

// beforePackets passes on packets, and the answers to whom they are for.
func (w *wiretap) beforePackets(at, to string) {
	w.t.Helper()
	socket, err := new(net.ListenConfig).ListenPacket(w.t.Context(), "udp", at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.closeInTheEnd(socket)
	w.passing.Go(func() {
		onward := make(map[string]net.Conn) // by whom it is for
		packet := make([]byte, 1<<16)
		for {
			n, from, err := socket.ReadFrom(packet)
			if err != nil {
				return // closed
			}
			_, _ = w.packets.Write(packet[:n])
			if onward[from.String()] == nil {
				c, err := new(net.Dialer).DialContext(w.t.Context(), "udp", to)
				if err != nil {
					continue // lost, as packets may be
				}
				onward[from.String()] = c
				w.closeInTheEnd(c)
				w.passing.Go(func() { w.passAnswers(c, socket, from) })
			}
			_, _ = onward[from.String()].Write(packet[:n])
		}
	})
}

func (w *wiretap) passAnswers(from net.Conn, socket net.PacketConn, to net.Addr) {
	packet := make([]byte, 1<<16)
	for w.t.Context().Err() == nil {
		n, err := from.Read(packet)
		if err != nil {
			continue // nobody was there to take the latest one
		}
		_, _ = w.packets.Write(packet[:n])
		_, _ = socket.WriteTo(packet[:n], to)
	}
}

// has says whether the word passed in some stream or packet.
func (w *wiretap) has(word string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.streams {
		if f.has(word) {
			return true
		}
	}
	return w.packets.has(word)
}

// sizes returns how much passed.
func (w *wiretap) sizes() (streams, packets int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.streams {
		streams += f.size()
	}
	return streams, w.packets.size()
}

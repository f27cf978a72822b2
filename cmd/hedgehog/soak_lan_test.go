//go:build linux

package main_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tunDevice = "/dev/net/tun"
	// lanPacket is the most that a packet has; the devices' MTU is 1500.
	lanPacket = 2048
)

// lan is a network of machines, each a network namespace whose one device ends
// here: this process is the switch, so a packet can meet with anything on its
// way, on any kernel. It ends with the test.
type lan struct {
	t       testing.TB
	passing sync.WaitGroup

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	ports  map[netip.Addr]*lanPort
	cut    map[way]int     // how many times each way is
	links  map[string]link // that are not as they should be, by machine
}

// lanPort is where a machine is plugged in.
type lanPort struct {
	machine string
	device  *os.File
}

// way is the way of packets from one machine to another.
type way struct{ from, to string }

// link is what is wrong with a machine's link, both ways.
type link struct {
	delay, jitter time.Duration
	// loss, duplicate and late are the shares of packets that are lost, arrive
	// twice, and are passed by those behind them.
	loss, duplicate, late float64
}

// lateBy is how much later than the others a packet arrives that is passed by them.
const lateBy = 20 * time.Millisecond

func newLAN(t testing.TB, seed uint64) *lan {
	t.Helper()
	l := &lan{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), ports: make(map[netip.Addr]*lanPort),
		cut: make(map[way]int), links: make(map[string]link),
	}
	t.Cleanup(l.passing.Wait) // t.Context has ended by then
	return l
}

// plug adds a machine with the address and returns the name of its namespace.
func (l *lan) plug(machine string, address netip.Addr) (namespace string) {
	l.t.Helper()
	namespace = named(machine)
	newNamespace(l.t, namespace)
	var device *os.File
	err := within(namespace, func() (err error) {
		device, err = openTUN("lan0")
		return err
	})
	if err != nil {
		l.t.Fatalf("network device of %s: %v", machine, err)
	}
	ip(l.t, "-n", namespace, "address", "add", address.String()+"/24", "dev", "lan0")
	ip(l.t, "-n", namespace, "link", "set", "lan0", "up")
	l.mu.Lock()
	l.ports[address] = &lanPort{machine, device}
	l.mu.Unlock()
	l.passing.Go(func() {
		<-l.t.Context().Done()
		_ = device.Close()
	})
	l.passing.Go(func() { l.pass(machine, device) })
	return namespace
}

// openTUN makes a network device whose packets pass through the returned file.
func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), tunDevice), nil
}

// pass takes each packet of a machine to where it goes, until the device is closed.
func (l *lan) pass(machine string, device *os.File) {
	packet := make([]byte, lanPacket)
	for {
		n, err := device.Read(packet)
		if err != nil {
			return
		}
		if n < 20 || packet[0]>>4 != 4 {
			continue // no IPv4
		}
		to, delays := l.fate(machine, netip.AddrFrom4([4]byte(packet[16:20])))
		for _, delay := range delays {
			if delay == 0 {
				_, _ = to.Write(packet[:n]) // what its machine can't take is lost
				continue
			}
			copied := append([]byte(nil), packet[:n]...)
			l.passing.Add(1)
			time.AfterFunc(delay, func() {
				defer l.passing.Done()
				_, _ = to.Write(copied)
			})
		}
	}
}

// fate says what becomes of a packet: after which times it arrives, if it does.
func (l *lan) fate(from string, address netip.Addr) (to io.Writer, delays []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	port := l.ports[address]
	if port == nil || l.cut[way{from, port.machine}] > 0 {
		return nil, nil
	}
	delay, copies := time.Duration(0), 1
	for _, machine := range []string{from, port.machine} {
		k, rough := l.links[machine]
		if !rough {
			continue
		}
		if l.random.Float64() < k.loss {
			return nil, nil
		}
		if l.random.Float64() < k.duplicate {
			copies++
		}
		if l.random.Float64() < k.late {
			delay += lateBy
		}
		delay += max(0, k.delay+time.Duration((2*l.random.Float64()-1)*float64(k.jitter)))
	}
	for range copies {
		delays = append(delays, delay)
	}
	return port.device, delays
}

// disconnect has all packets on the ways lost.
func (l *lan) disconnect(ways ...way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range ways {
		l.cut[w]++
	}
}

// reconnect undoes one disconnect of the ways.
func (l *lan) reconnect(ways ...way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range ways {
		l.cut[w]--
	}
}

// roughen makes a machine's link as bad as k; the zero link is a good one.
func (l *lan) roughen(machine string, k link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links[machine] = k; k == (link{}) {
		delete(l.links, machine)
	}
}

// front listens on this machine's loopback address for what goes to an address
// that only the namespace has, and returns where.
func (l *lan) front(namespace, address string) string {
	l.t.Helper()
	listener, err := new(net.ListenConfig).Listen(l.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	l.closeInTheEnd(listener)
	l.passing.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // closed
			}
			l.passing.Go(func() { l.carry(from, namespace, address) })
		}
	})
	return listener.Addr().String()
}

// closeInTheEnd closes c when the test ends, which ends who waits for it.
func (l *lan) closeInTheEnd(c io.Closer) {
	l.passing.Go(func() {
		<-l.t.Context().Done()
		_ = c.Close()
	})
}

// carry passes a connection on until an end of it is closed.
func (l *lan) carry(from net.Conn, namespace, address string) {
	defer from.Close()
	to, err := dialWithin(l.t.Context(), namespace, address)
	if err != nil {
		return
	}
	defer to.Close()
	stop := context.AfterFunc(l.t.Context(), func() {
		_ = from.Close()
		_ = to.Close()
	})
	defer stop()
	l.passing.Go(func() {
		_, _ = io.Copy(to, from) // either end may go at any time
		_ = to.Close()
	})
	_, _ = io.Copy(from, to)
}

// startWithin starts processes in a namespace.
func startWithin(namespace string) func(*exec.Cmd) error {
	return func(command *exec.Cmd) error { return within(namespace, command.Start) }
}

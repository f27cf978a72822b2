package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hedgehog/cluster/consensus"
	"hedgehog/cluster/gossip"
	"hedgehog/data/collector"
	"hedgehog/exchange/binance"
	"hedgehog/exchange/sim/server"
	"hedgehog/node"
)

// machine is a computer. Its disk and its clock outlive the node's lives on it.
type machine struct {
	w    *world
	name string
	ip   net.IP

	// Guarded by the world's mu.
	clock clock
	life  *life         // nil: the node does not run
	pause chan struct{} // closed when the process goes on; nil: it runs
	lives int
	disk  string        // directory of the data of the present or next life
	slow  time.Duration // of each write; 0: quick
	full  bool          // the disk takes nothing

	zombies sync.WaitGroup // lives that are over and still unwind
}

// life is a node from its start to its end.
type life struct {
	machine *machine
	name    string
	number  int
	dir     string
	ended   chan struct{} // closed when nothing of it counts any more
	stopped chan struct{} // closed when Run has returned
	stop    func()        // asks Run to return
	failed  error         // what Run has returned
	port    *port
	api     *listener

	// Guarded by the world's mu.
	calls    http.Handler // answers other nodes; nil: nobody does
	callsCtx context.Context
	streams  []*stream // the ends of connections that it has
}

func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

func (m *machine) now() time.Time {
	m.w.mu.Lock()
	c := m.clock
	m.w.mu.Unlock()
	return c.at(m.w.began, m.w.now())
}

// start starts the node, which joins the others.
func (m *machine) start() {
	w := m.w
	w.mu.Lock()
	if m.life != nil {
		w.mu.Unlock()
		return
	}
	m.lives++
	l := &life{machine: m, name: m.name, number: m.lives, dir: m.disk, ended: make(chan struct{}), stopped: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.port = newPort(l)
	m.life = l
	var join []string
	for _, name := range w.names {
		if other := w.machines[name]; other != m && other.life != nil {
			join = append(join, gossipAddress(other))
		}
	}
	if len(join) == 0 && m.lives > 1 {
		for _, name := range w.names {
			if name != m.name {
				join = append(join, gossipAddress(w.machines[name]))
			}
		}
	}
	w.noteLocked("%s starts, life %d", m.name, m.lives)
	w.mu.Unlock()

	config := node.DefaultConfig()
	config.Name, config.DataDir, config.Exchange = m.name, l.dir, "http://"+venueName
	config.HTTP, config.Bind, config.Peer, config.Profile = "127.0.0.1:8080", gossipAddress(m), peerAddress(m), "local"
	config.Join = join
	config.Secret = w.secret
	config.APIKey, config.APISecret = server.DefaultAPIKey, server.DefaultAPISecret
	n, err := node.NewIn(l.environment(), config, w.log)
	if err != nil {
		panic(err)
	}
	m.zombies.Go(func() {
		err := n.Run(ctx)
		cancel()
		l.failed = err
		close(l.stopped)
		m.ended(l)
	})
	w.networkChanged()
}

func gossipAddress(m *machine) string { return m.ip.String() + ":7000" }
func peerAddress(m *machine) string   { return m.ip.String() + ":7001" }

// environment is the world as this life reaches it.
func (l *life) environment() node.Environment {
	w, m := l.machine.w, l.machine
	return node.Environment{
		Now: m.now,
		ListenAPI: func(context.Context, string) (net.Listener, error) {
			l.api = newListener(l, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
			return l.api, nil
		},
		OpenPort: func(context.Context, node.Config, time.Time, *slog.Logger) (node.Port, error) { return l.port, nil },
		PeerName: peerName,
		OpenCalls: func(node.Port, func(string) (string, error)) node.Calls {
			return calls{l}
		},
		OpenGossip: func(c gossip.Config, _ *slog.Logger) (node.Gossip, error) { return w.gossip.open(l, c), nil },
		OpenConsensus: func(c consensus.Config, s consensus.StateMachine, _ net.Listener, _ consensus.Dial, _ *slog.Logger) (node.Consensus, error) {
			return w.raft.open(l, c, slowMachine{s, l}), nil
		},
		Exchange: func(c *binance.Config) {
			c.Now, c.Dial, c.Transport = m.now, l.dialVenue, venueCalls{l}
			c.ClockRefresh = clockRefresh
		},
		Store: func(s collector.Store) collector.Store { return slowStore{s, l} },
	}
}

// ended takes note that the node has ended by itself or because it was asked to.
func (m *machine) ended(l *life) {
	w := m.w
	w.mu.Lock()
	if m.life == l {
		m.life = nil
		close(l.ended)
		w.noteLocked("%s has ended: %v", m.name, l.failed)
	}
	w.mu.Unlock()
	l.close(killed)
}

// close ends all that the life has of the network.
func (l *life) close(how string) {
	l.port.close()
	if l.api != nil {
		_ = l.api.Close()
	}
	l.cutOff(how)
	l.machine.w.networkChanged()
}

// How a node can end without being asked.
const (
	killed   = "killed"   // the process: the kernel closes its connections
	powerCut = "powerCut" // the machine: nobody hears a word
)

// crash ends the node's life here and now. Its disk is kept as it is at this
// instant; what the dying process still does has no effect on anything.
func (m *machine) crash(how string) {
	w := m.w
	w.mu.Lock()
	l := m.life
	if l == nil {
		w.mu.Unlock()
		return
	}
	m.life = nil
	close(l.ended)
	m.disk = filepath.Join(w.dir, fmt.Sprintf("%s.%d", m.name, m.lives+1))
	if m.pause != nil {
		close(m.pause)
		m.pause = nil
	}
	w.noteLocked("%s %s", m.name, how)
	w.mu.Unlock()
	w.copyDisk(l.dir, m.disk, how)
	l.stop()
	l.close(how)
}

// shutdown asks the node to end, and waits for it.
func (m *machine) shutdown() {
	m.w.mu.Lock()
	l := m.life
	m.w.mu.Unlock()
	if l == nil {
		return
	}
	m.w.note("%s is to stop", m.name)
	l.stop()
	<-l.stopped
}

// stopProcess pauses the process, as SIGSTOP does.
func (m *machine) stopProcess() {
	m.w.mu.Lock()
	if m.life == nil || m.pause != nil {
		m.w.mu.Unlock()
		return
	}
	m.pause = make(chan struct{})
	m.w.noteLocked("%s is paused", m.name)
	m.w.mu.Unlock()
	m.w.networkChanged()
}

// resume lets a paused process go on.
func (m *machine) resume() {
	m.w.mu.Lock()
	if m.pause == nil {
		m.w.mu.Unlock()
		return
	}
	close(m.pause)
	m.pause = nil
	m.w.noteLocked("%s goes on", m.name)
	m.w.mu.Unlock()
	m.w.networkChanged()
}

// clockRefresh has a run see what a stale estimate of the exchange's clock does.
const clockRefresh = 3 * time.Second

// copyDisk copies what a crash leaves of a node's files: after a power cut of the
// database what was flushed, else all that was written.
func (w *world) copyDisk(from, to, how string) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		w.tb.Fatal(err)
	}
	names := []string{"hedgehog.db", "hedgehog.db-wal", "cluster-id"}
	if how == powerCut {
		names = names[2:]
		w.power.Copy(w.tb, filepath.Join(from, "hedgehog.db"), filepath.Join(to, "hedgehog.db"))
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o600)
		}
		if err != nil {
			w.tb.Fatal(err)
		}
	}
}

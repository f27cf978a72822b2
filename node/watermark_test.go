package node_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"hedgehog/cluster/consensus"
	"hedgehog/cluster/peer"
	"hedgehog/exchange/binance"
	"hedgehog/node"
	"hedgehog/node/api"
	"hedgehog/storage"
	"hedgehog/storage/powercut"
)

// trail is what a node's database has of XRPUSDT at one moment.
type trail struct {
	trades, first, last int64
	watermark           int64 // -1: none
}

// readTrail reads the database of a node that runs.
func readTrail(t *testing.T, dir string) trail {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "hedgehog.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var s trail
	err = db.QueryRowContext(t.Context(), `SELECT count(*), coalesce(min(trade_id), 0), coalesce(max(trade_id), 0),
		coalesce((SELECT trade_id FROM watermarks WHERE symbol = 'XRPUSDT'), -1) FROM trade_events WHERE symbol = 'XRPUSDT'`).
		Scan(&s.trades, &s.first, &s.last, &s.watermark)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func collecting() api.Change { return api.Change{Streaming: ptr(true), CollectTrades: ptr(true)} }

func TestWhatTheClusterWasToldSurvivesALossOfPower(t *testing.T) {
	dir := t.TempDir()
	disk := powercut.Watch(t, dir)
	m := busyMarket(t, "XRPUSDT")
	n := startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	n.must(t, "XRPUSDT", collecting())
	var told int64
	for range 3 {
		told = waitFor(t, "the cluster to be told of more trades", func() (int64, bool) {
			s := readTrail(t, dir)
			return s.watermark, s.watermark >= s.first && s.first > 0 && s.watermark > told
		})
		left := filepath.Join(t.TempDir(), "hedgehog.db")
		disk.Copy(t, filepath.Join(dir, "hedgehog.db"), left)
		db, err := storage.Open(t.Context(), left)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := db.TradeStats(t.Context(), "XRPUSDT")
		if err != nil || stats.LastID < told || stats.Missing != 0 {
			t.Errorf("told %d, left are %+v, %v", told, stats, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// gate is a log in which some commands do not come through until it is open.
type gate struct {
	node.Consensus
	stops   func(storage.Command) bool
	arrived chan struct{} // gets the first that is stopped
	open    chan struct{}
}

func (g gate) Propose(ctx context.Context, data []byte) (any, error) {
	if c, err := storage.DecodeCommand(data); err == nil && g.stops(c) {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
		select {
		case <-g.open:
		case <-ctx.Done():
			return nil, consensus.ErrUnknownOutcome
		}
	}
	return g.Consensus.Propose(ctx, data)
}

// gated returns a gate that is shut, and an environment whose log is behind it.
func gated(stops func(storage.Command) bool) (gate, node.Environment) {
	g := gate{stops: stops, arrived: make(chan struct{}, 1), open: make(chan struct{})}
	around := node.Real()
	around.OpenConsensus = func(c consensus.Config, m consensus.StateMachine, l net.Listener, d consensus.Dial, log *slog.Logger) (node.Consensus, error) {
		opened, err := consensus.New(c, m, l, d, log)
		return gate{opened, g.stops, g.arrived, g.open}, err
	}
	return g, around
}

// collectBehindGate starts a node that collects XRPUSDT, of which nothing was
// collected before, and waits until it wants to tell that.
func collectBehindGate(t *testing.T) (dir string, g gate) {
	t.Helper()
	g, around := gated(func(c storage.Command) bool { return c.Watermarks != nil })
	dir = t.TempDir()
	m := busyMarket(t, "XRPUSDT")
	n := startNodeIn(t, around, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	n.must(t, "XRPUSDT", collecting())
	select {
	case <-g.arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("the cluster is not told of the first trade")
	}
	return dir, g
}

func TestTheFirstTradeIsStoredAfterTheClusterKnowsOfIt(t *testing.T) {
	dir, g := collectBehindGate(t)
	if s := readTrail(t, dir); s.trades > 0 {
		t.Errorf("%+v is stored though the cluster knows of nothing", s)
	}
	close(g.open)
	s := waitFor(t, "trades to be stored", func() (trail, bool) {
		s := readTrail(t, dir)
		return s, s.trades > 0
	})
	if s.watermark < s.first-1 || s.watermark > s.last {
		t.Errorf("%+v: the watermark is not at the first trade", s)
	}
}

func TestTradesAreStoredThoughTheClusterCannotBeTold(t *testing.T) {
	dir, g := collectBehindGate(t)
	alone := waitFor(t, "trades to be stored", func() (trail, bool) {
		s := readTrail(t, dir)
		return s, s.trades > 0
	})
	if alone.watermark != -1 || alone.last-alone.first+1 != alone.trades {
		t.Errorf("%+v: want no watermark, and no hole", alone)
	}
	close(g.open)
	waitFor(t, "the cluster to be told", func() (trail, bool) {
		s := readTrail(t, dir)
		return s, s.watermark >= alone.last
	})
}

// The next owner's stream begins behind the first trade that the owner has stored,
// and while it began there was nothing that it could go on from.
func TestANextOwnerHasAllTradesFromTheWatermarkOn(t *testing.T) {
	secret, err := peer.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	m, dirs := quietMarket(t), [2]string{t.TempDir(), t.TempDir()}
	g, around := gated(func(c storage.Command) bool { return c.Watermarks != nil && c.Watermarks.Watermarks["XRPUSDT"] > 4 })
	first := startNodeIn(t, around, func(c *node.Config) {
		c.Name, c.Exchange, c.DataDir, c.Secret = "n1", m.url, dirs[0], secret
	})
	first.must(t, "XRPUSDT", collecting())
	waitFor(t, "the owner's stream", func() (api.Status, bool) {
		s, err := first.Status(t.Context())
		return s, err == nil && len(s.Symbols) == 1 && s.Symbols[0].StreamConnected
	})
	connected, dialled := make(chan struct{}), make(chan struct{}, 2)
	around.Exchange = func(c *binance.Config) {
		c.Transport = new(http.Transport)
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			select {
			case dialled <- struct{}{}:
			default:
			}
			select {
			case <-connected:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	startNodeIn(t, around, func(c *node.Config) {
		c.Name, c.Exchange, c.DataDir, c.Secret, c.Join = "n2", m.url, dirs[1], secret, []string{first.node.Gossip()}
	})
	if _, err := first.Pin(t.Context(), api.PinRequest{Symbols: []string{"XRPUSDT"}, Node: "n2"}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // for orders, and for trades
		<-dialled
	}
	id := int64(5)
	for ; id < 8; id++ {
		m.pass(t, id, "0.5")
	}
	waitFor(t, "the owner to have stored three trades", func() (trail, bool) {
		s := readTrail(t, dirs[0])
		return s, s.trades == 3 && s.watermark == 4
	})
	close(connected)
	s := waitFor(t, "the next owner to have stored trades", func() (trail, bool) {
		m.pass(t, id, "0.5")
		id++
		s := readTrail(t, dirs[1])
		return s, s.trades > 0
	})
	if s.first != 5 || s.last-s.first+1 != s.trades {
		t.Errorf("%+v, want all from 5 on", s)
	}
	close(g.open)
}

package simulation_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hedgehog/cluster/lease"
	"hedgehog/cluster/peer"
	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/storage/powercut"
)

// How long a run takes, in virtual time.
const (
	startBound  = 20 * time.Second // until a fresh cluster trades
	faultTime   = 8 * time.Second  // in which faults are begun
	healBound   = 12 * time.Second // until all is traded again after the last fault
	restTime    = 3 * time.Second  // in which what was traded is stored and told
	settledTime = 2 * time.Second  // before the end of that: what is older counts
)

// allSymbols are what there is to trade.
var allSymbols = []string{"XRPUSDT", "SOLUSDT", "BTCUSDT", "DOGEUSDT"}

// newWorld makes the machines and the exchange; nothing runs on them yet.
func newWorld(tb testing.TB, seed uint64, dir string, power *powercut.Disk, verbose io.Writer) (*world, error) {
	w := &world{
		tb: tb, power: power, seed: seed, dir: dir, began: time.Now(), log: slog.New(slog.DiscardHandler), verbose: verbose,
		machines: make(map[string]*machine), links: make(map[link]weather), off: make(map[string]int),
	}
	var err error
	if w.secret, err = peer.NewSecret(); err != nil {
		return nil, err
	}
	nodes := []int{3, 3, 3, 3, 4, 5, 5, 7}[w.dice("nodes", 8)]
	w.symbols = allSymbols[:2+w.dice("symbols", len(allSymbols)-1)]
	for i := range nodes {
		name := fmt.Sprintf("n%d", i+1)
		w.names = append(w.names, name)
		w.machines[name] = &machine{
			w: w, name: name, ip: net.IPv4(10, 0, 0, byte(i+1)), disk: filepath.Join(dir, name+".1"),
			clock: clock{
				offset: w.within("time of day of "+name, 0, 2*time.Minute) - time.Minute,
				boot:   w.within("boot of "+name, time.Minute, time.Hour),
				ppm:    []int64{-lease.MaxDrift, 0, lease.MaxDrift}[w.dice("rate of "+name, 3)],
			},
		}
	}
	var rules []exchange.Symbol
	for _, name := range w.symbols {
		s, err := sim.SymbolFor(name)
		if err != nil {
			return nil, err
		}
		rules = append(rules, s)
	}
	if w.court, err = openCourt(w, rules); err != nil {
		return nil, err
	}
	w.raft, w.gossip = newRaftGroup(w), newGossipNet(w)
	w.raft.committed = w.court.committed
	w.venue, err = openVenue(w, rules)
	return w, err
}

// play lets a cluster come up, have its faults, and recover; then it is judged.
func (w *world) play() error {
	defer w.end()
	if err := w.begin(); err != nil {
		return err
	}
	f := &fate{w: w, random: rand.New(rand.NewPCG(w.seed, 1))}
	using, stopUsing := context.WithCancel(context.Background())
	wait := w.use(using)
	f.run(faultTime)
	f.heal()
	healed := w.now()
	stopUsing()
	wait()
	if err := w.settle(); err != nil {
		return err
	}
	if _, ok := w.await(healBound - (w.now() - healed)); !ok {
		w.court.violated("recovers", "not everything is traded %v after the last fault", healBound)
	}
	w.recovery = w.now() - healed
	time.Sleep(restTime)
	settled := exchange.MicrosOf(w.venue.now().Add(-settledTime))
	last := make(map[string]int64)
	for _, symbol := range w.symbols {
		trades, err := w.venue.engine.TradesBetween(symbol, settled-5_000_000, settled, 1000)
		if err != nil {
			return err
		}
		if len(trades) > 0 {
			last[symbol] = trades[len(trades)-1].ID
		}
	}
	// What counts is what is on the disks now, not what nodes that end tidy up.
	for _, name := range w.names {
		w.machines[name].crash(killed)
		synctest.Wait() // for those whose callers or answers died with it
	}
	return w.court.final(settled, last)
}

// busyChunks are the chunks of a busy run.
const busyChunks = 20

// begin starts the nodes and has them trade.
func (w *world) begin() error {
	for i, name := range w.names {
		w.machines[name].start()
		if i == 0 {
			time.Sleep(w.within("founder alone", 300*time.Millisecond, 400*time.Millisecond))
		}
		time.Sleep(w.within("next node", time.Millisecond, 200*time.Millisecond))
	}
	first := w.machines[w.names[0]]
	for i, symbol := range w.symbols {
		on := map[string]any{
			"streaming": true, "aggregating": true, "collect_trade_events": true, "collect_orders": true, "collect_ohlc": true,
			"trading_status": "on", "budget": "1000", "profit_target": "0.001",
			// The first is bought by nearly every trade, so that its orders fill at once.
			"buy_down_interval": []string{"0.00005", "0.0005"}[min(i, 1)],
		}
		if *busy {
			on["profit_target"], on["rebuy_interval"], on["chunks"] = "0.0001", "0.0003", busyChunks
			// What is built into candles is fetched and stored wherever it is missing,
			// which hides what collecting alone has missed.
			on["aggregating"] = i != len(w.symbols)-1
		}
		if err := w.insist(first, http.MethodPatch, "/symbols/"+symbol, on); err != nil {
			return err
		}
	}
	if err := w.insist(first, http.MethodPost, "/cluster/assign", map[string]any{"symbols": w.symbols}); err != nil {
		return err
	}
	if _, ok := w.await(startBound); !ok {
		return fmt.Errorf("the cluster did not come up")
	}
	return nil
}

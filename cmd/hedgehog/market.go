package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
	"hedgehog/exchange/wire"
	"hedgehog/node"
)

// market is what a simulated exchange trades and where its prices come from.
type market struct {
	config  sim.Config
	replays []sim.ReplayConfig
	walk    sim.WalkConfig // no symbols: no walk
}

// marketOf returns the market that the flags ask for.
func marketOf(c *cli.Context) (market, error) {
	var m market
	replayed, err := m.addReplays(c)
	if err != nil {
		return m, err
	}
	walked, err := listedSymbols(c, "symbols")
	if err != nil {
		return m, err
	}
	if len(walked) == 0 && len(replayed) == 0 {
		walked = node.DefaultConfig().SimSymbols
	}
	for _, s := range replayed {
		if slices.Contains(walked, s.Name) {
			return m, wrongUsage(c, "%s is in --symbols and in --replay: its prices can come from one only", s.Name)
		}
	}
	m.walk = sim.DefaultWalk(walked)
	m.walk.Seed, m.walk.PerSecond = c.Uint64("seed"), c.Float64("rate")
	if err := m.walk.Validate(); len(walked) > 0 && err != nil {
		return m, wrongUsage(c, "random walk: %v", err)
	}
	info, err := infoOf(c, replayed, walked)
	if err != nil {
		return m, err
	}
	return m, m.configure(c, info)
}

// addReplays adds the replays that the flags ask for, and returns the built-in
// rules of their symbols.
func (m *market) addReplays(c *cli.Context) ([]exchange.Symbol, error) {
	speed, lockstep, err := speedOf(c)
	if err != nil {
		return nil, err
	}
	times := map[string]sim.Times{"kept": sim.Kept, "now": sim.Rebased}
	if _, known := times[c.String("times")]; !known {
		return nil, wrongUsage(c, "--times %q: want kept or now", c.String("times"))
	}
	var symbols []exchange.Symbol
	for _, path := range c.StringSlice("replay") {
		symbol, err := sim.SymbolOfDump(path)
		if err != nil {
			return nil, err
		}
		replay := sim.DefaultReplay(symbol.Name, path)
		replay.Speed, replay.Lockstep, replay.SkipBad = speed, lockstep, c.Bool("skip-bad")
		replay.Times, replay.Start = times[c.String("times")], sim.Start(c.String("start"))
		if err := replay.Validate(); err != nil {
			return nil, wrongUsage(c, "%v", err)
		}
		m.replays = append(m.replays, replay)
		if !slices.ContainsFunc(symbols, func(s exchange.Symbol) bool { return s.Name == symbol.Name }) {
			symbols = append(symbols, symbol)
		}
	}
	return symbols, nil
}

// infoOf returns the exchange info of the flags' file, or a built-in one of the
// symbols that have prices.
func infoOf(c *cli.Context, replayed []exchange.Symbol, walked []string) (exchange.ExchangeInfo, error) {
	var info exchange.ExchangeInfo
	if path := c.String("exchange-info"); path != "" {
		var err error
		if info, err = readInfo(path); err != nil {
			return info, fmt.Errorf("--exchange-info: %w", err)
		}
	} else {
		symbols := replayed
		for _, name := range walked {
			symbol, err := sim.SymbolFor(name)
			if err != nil {
				return info, wrongUsage(c, "--symbols: %v", err)
			}
			symbols = append(symbols, symbol)
		}
		info = sim.InfoFor(symbols)
	}
	return info, errors.Join(
		setLimit(c, "weight-limit", &info, exchange.RateLimit{Type: "REQUEST_WEIGHT", Interval: "MINUTE", IntervalNum: 1}),
		setLimit(c, "order-limit", &info, exchange.RateLimit{Type: "ORDERS", Interval: "SECOND", IntervalNum: 10}),
	)
}

// readInfo reads a file with an answer of the exchange's exchangeInfo.
func readInfo(path string) (exchange.ExchangeInfo, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return exchange.ExchangeInfo{}, err
	}
	info, err := wire.ParseExchangeInfo(document)
	if err != nil {
		return exchange.ExchangeInfo{}, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// setLimit gives a rate limit the value of its flag, where that is set.
func setLimit(c *cli.Context, flag string, info *exchange.ExchangeInfo, limit exchange.RateLimit) error {
	if !c.IsSet(flag) {
		return nil
	}
	limit.Limit = c.Int(flag)
	if limit.Limit < 1 {
		return wrongUsage(c, "--%s %d: want 1 or more", flag, limit.Limit)
	}
	info.RateLimits = slices.DeleteFunc(info.RateLimits, func(l exchange.RateLimit) bool {
		return l.Type == limit.Type && l.Interval == limit.Interval && l.IntervalNum == limit.IntervalNum
	})
	info.RateLimits = append(info.RateLimits, limit)
	return nil
}

// configure sets the engine's configuration from the flags.
func (m *market) configure(c *cli.Context, info exchange.ExchangeInfo) error {
	m.config = sim.DefaultConfig(info)
	m.config.PartialFills = c.Bool("partial-fills")
	m.config.DataDir = c.String("data-dir")
	m.config.Journal = c.String("journal")
	var err error
	if m.config.Commission, err = decimalOf(c, "commission", c.String("commission")); err != nil {
		return err
	}
	for _, text := range c.StringSlice("balance") {
		asset, amount, found := strings.Cut(text, "=")
		if !found || asset == "" {
			return wrongUsage(c, "--balance %q: want ASSET=AMOUNT, such as USDT=1000", text)
		}
		asset = strings.ToUpper(asset)
		if m.config.Balances[asset], err = decimalOf(c, "balance", amount); err != nil {
			return err
		}
	}
	if err := m.config.Validate(); err != nil {
		return wrongUsage(c, "%v", err)
	}
	return nil
}

// feeds returns the functions that pass trades to the engine. Each runs until it
// is done or its context ends.
func (m market) feeds(engine *sim.Engine, log *slog.Logger) ([]func(context.Context) error, error) {
	var feeds []func(context.Context) error
	if len(m.walk.Symbols) > 0 {
		walk, err := sim.NewWalk(m.walk, engine)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, walk.Run)
	}
	for _, symbol := range m.replayed() {
		var days []*sim.Replay
		for _, config := range m.replays {
			if config.Symbol != symbol {
				continue
			}
			day, err := sim.NewReplay(config, engine, log)
			if err != nil {
				return nil, err
			}
			days = append(days, day)
		}
		feeds = append(feeds, func(ctx context.Context) error {
			for _, day := range days {
				if err := day.Run(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return feeds, nil
}

// replayed returns the symbols that are replayed, each once.
func (m market) replayed() []string {
	var symbols []string
	for _, r := range m.replays {
		if !slices.Contains(symbols, r.Symbol) {
			symbols = append(symbols, r.Symbol)
		}
	}
	return symbols
}

// frontOf returns who may use the exchange: the default key and those of the flags.
func frontOf(c *cli.Context) (server.Config, error) {
	front := server.DefaultConfig()
	front.ConnectionsPer5Minutes = c.Int("connection-limit")
	if front.ConnectionsPer5Minutes < 1 {
		return front, wrongUsage(c, "--connection-limit %d: want 1 or more", front.ConnectionsPer5Minutes)
	}
	for _, text := range c.StringSlice("ed25519-key") {
		name, path, found := strings.Cut(text, "=")
		if !found || name == "" || path == "" {
			return front, wrongUsage(c, "--ed25519-key %q: want NAME=FILE", text)
		}
		key, err := readPublicKey(path)
		if err != nil {
			return front, fmt.Errorf("--ed25519-key %s: %w", name, err)
		}
		front.Keys = append(front.Keys, server.Key{APIKey: name, Account: front.Keys[0].Account, PublicKey: key})
	}
	if err := front.Validate(); err != nil {
		return front, wrongUsage(c, "%v", err)
	}
	return front, nil
}

// readPublicKey reads an Ed25519 public key from a PEM file, as
// "openssl pkey -pubout" writes it.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s holds no PEM block \"PUBLIC KEY\"; openssl pkey -in PRIVATE -pubout writes one", path)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T: want an Ed25519 public key", path, parsed)
	}
	return key, nil
}

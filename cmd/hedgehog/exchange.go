package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"hedgehog/exchange/dump"
	"hedgehog/exchange/sim"
	"hedgehog/exchange/sim/server"
)

func (p *program) exchangeCommand() *cli.Command {
	return &cli.Command{
		Name:  "exchange",
		Usage: "run a simulated exchange until it is interrupted",
		Description: "It speaks the real exchange's protocol. Prices are replayed from the exchange's public\n" +
			"trade dumps, plain or zipped, or walk at random; orders fill from the trades that pass.\n" +
			"A dump's symbol is its file name up to the first \"-\".\n\n" +
			"Its API key is " + server.DefaultAPIKey + " with the secret " + server.DefaultAPISecret + "; neither opens\n" +
			"anything else. Examples:\n\n" +
			"  hedgehog exchange\n" +
			"  hedgehog exchange --replay XRPETH-trades-2019-10-11.csv --speed max --journal journal.jsonl\n" +
			"  hedgehog node --exchange http://127.0.0.1:9090",
		Flags: append(exchangeFlags(), logFlags()...),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			market, err := marketOf(c)
			if err != nil {
				return err
			}
			front, err := frontOf(c)
			if err != nil {
				return err
			}
			log, err := p.logger(c)
			if err != nil {
				return err
			}
			return runExchange(c.Context, c.String("listen"), market, front, log)
		},
	}
}

func exchangeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "listen", Usage: "answer at `ADDR`", Value: "127.0.0.1:9090"},
		&cli.StringSliceFlag{Name: "replay", Usage: "replay the trades of the dump `FILE`; may be repeated, files of one symbol play one after the other"},
		&cli.StringFlag{Name: "speed", Usage: "replay `N` times as fast as it was, max (as fast as the subscribers take it) or lockstep (they take each trade before the next one passes)", Value: "1"},
		&cli.StringFlag{Name: "start", Usage: "begin a replay `WHEN`: subscriber (with the first one to its trades) or now", Value: string(sim.OnSubscriber)},
		&cli.StringFlag{Name: "times", Usage: "replay with `TIMES` kept (those of the dump) or now (as if it began now)", Value: "kept"},
		&cli.BoolFlag{Name: "skip-bad", Usage: "pass over lines of a dump that are not trades", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "symbols", Usage: "walk at random the prices of `SYMBOLS`, separated by commas; may be repeated", DefaultText: "a few, without --replay"},
		&cli.Uint64Flag{Name: "seed", Usage: "the `SEED` of the random walk", Value: 1},
		&cli.Float64Flag{Name: "rate", Usage: "walk with `N` trades a second for each symbol", Value: 5},
		&cli.StringFlag{Name: "journal", Usage: "append every order, fill, cancel and reject to `FILE`, a line of JSON each"},
		&cli.StringFlag{Name: "data-dir", Usage: "keep orders, balances and trades in `DIR`, for the next start", DefaultText: "nothing is kept"},
		&cli.StringFlag{Name: "exchange-info", Usage: "list the symbols of `FILE`, an answer of the exchange's exchangeInfo", DefaultText: "the symbols with prices"},
		&cli.StringFlag{Name: "commission", Usage: "take a `SHARE` of what a fill brings", Value: "0.001"},
		&cli.BoolFlag{Name: "partial-fills", Usage: "fill no more of an order than the passing trade's quantity", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "balance", Usage: "every account begins with `ASSET=AMOUNT`; may be repeated", DefaultText: "100000 of each quote asset"},
		&cli.IntFlag{Name: "weight-limit", Usage: "let an address use a request weight of `N` in a minute", DefaultText: "6000, or as in --exchange-info"},
		&cli.IntFlag{Name: "connection-limit", Usage: "let an address open `N` websocket connections in 5 minutes", Value: server.DefaultConfig().ConnectionsPer5Minutes},
		&cli.IntFlag{Name: "order-limit", Usage: "let an account place `N` orders in 10 seconds, less those that fill", DefaultText: "100, or as in --exchange-info"},
		&cli.StringSliceFlag{Name: "ed25519-key", Usage: "a further API key `NAME=FILE` of the same account, with its public key (PEM) in the file"},
	}
}

// runExchange serves the market until ctx ends or one of its feeds fails.
func runExchange(ctx context.Context, address string, m market, front server.Config, log *slog.Logger) (err error) {
	m.config.Log = log
	engine, err := sim.New(m.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	feeds, err := m.feeds(engine, log)
	if err != nil {
		return err
	}
	srv, err := server.New(front, engine, log)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: choose another address with --listen", err)
	}
	log.Info("simulated exchange listening", "url", "http://"+listener.Addr().String(),
		"symbols", len(m.config.Info.Symbols), "walking", m.walk.Symbols, "replaying", m.replayed(), "api_key", server.DefaultAPIKey)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return srv.Run(ctx, listener) })
	for _, run := range feeds {
		group.Go(func() error {
			err := run(ctx)
			if errors.Is(err, context.Cause(ctx)) {
				return nil // it only says that it was told to stop
			}
			return err
		})
	}
	err = group.Wait()
	if bad := (*dump.LineError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%w: mend the file, or pass over such lines with --skip-bad", err)
	}
	return err
}

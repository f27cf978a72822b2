package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange/binance"
	"hedgehog/node"
)

func (p *program) nodeCommand() *cli.Command {
	usual := node.DefaultConfig()
	env := func(name string) []string { return []string{"HEDGEHOG_" + name} }
	flags := []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "call the node `NAME`", Value: usual.Name, DefaultText: "the host's name", EnvVars: env("NAME")},
		&cli.StringFlag{Name: "data-dir", Usage: "keep the database in `DIR`", Value: usual.DataDir, EnvVars: env("DATA_DIR")},
		&cli.StringFlag{Name: "exchange", Usage: "trade at `EXCHANGE`: sim, binance, binance-testnet or the URL of a simulated exchange", Value: usual.Exchange, EnvVars: env("EXCHANGE")},
		&cli.StringFlag{Name: "http", Usage: "answer commands at `ADDR`", Value: usual.HTTP, EnvVars: env("HTTP")},
		&cli.StringFlag{Name: "http-cert", Usage: "serve --http with TLS and the certificate (PEM, with its chain) in `FILE`, whose key --http-key names", EnvVars: env("HTTP_CERT")},
		&cli.StringFlag{Name: "http-key", Usage: "read the key of --http-cert from `FILE`", EnvVars: env("HTTP_KEY")},
		&cli.BoolFlag{Name: "revoke-tokens", Usage: "when the last admin's token is lost: revoke all tokens of the cluster, once", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "sim-symbols", Usage: "the `SYMBOLS` of --exchange sim, separated by commas", Value: cli.NewStringSlice(usual.SimSymbols...), EnvVars: env("SIM_SYMBOLS")},
		&cli.StringFlag{Name: "keep-trades", Usage: "delete stored trades that are older than `TIME`, such as 90d", DefaultText: "keep them for ever", EnvVars: env("KEEP_TRADES")},
		&cli.Uint64Flag{Name: "sim-seed", Usage: "the `SEED` of the prices of --exchange sim", Value: usual.SimSeed, EnvVars: env("SIM_SEED")},
	}
	return &cli.Command{
		Name:  "node",
		Usage: "run a node until it is interrupted",
		Description: "Without flags the node trades on a simulated exchange within itself, where nothing is at\n" +
			"stake. Everything is off at first; what is switched on starts again with the node.\n\n" +
			"The account at a real exchange comes from the environment: HEDGEHOG_API_KEY and\n" +
			"HEDGEHOG_API_SECRET, or HEDGEHOG_API_KEY_FILE and HEDGEHOG_API_SECRET_FILE with the\n" +
			"paths of files that hold them.\n\n" +
			"Without --join the node founds a cluster of its own, or goes on in the one that its data are\n" +
			"of. All nodes of a cluster have the same secret (hedgehog cluster keygen), given with\n" +
			"--secret-file or in HEDGEHOG_SECRET; without one a node keeps to this machine. More on\n" +
			"clusters: hedgehog cluster --help.\n\n" +
			"Commands and the page are answered at --http. As long as no token has been made (hedgehog\n" +
			"token), only this machine gets in; whoever comes from another one needs a token, and TLS,\n" +
			"for otherwise the token can be read on its way. Examples:\n\n" +
			"  hedgehog node\n" +
			"  hedgehog node --name alpha --data-dir /var/lib/hedgehog --exchange binance-testnet\n" +
			"  hedgehog node --bind 192.0.2.2:7946 --join 192.0.2.1:7946,192.0.2.3:7946 --secret-file secret",
		Flags: slices.Concat(flags, memberFlags(usual), logFlags()),
		Action: func(c *cli.Context) error {
			config, err := nodeConfig(c)
			if err != nil {
				return err
			}
			log, err := p.logger(c)
			if err != nil {
				return err
			}
			around, err := surroundings()
			if err != nil {
				return err
			}
			n, err := node.NewIn(around, config, log)
			if err != nil {
				return err
			}
			return n.Run(c.Context)
		},
	}
}

// nodeConfig returns the configuration that the flags and the environment ask for.
func nodeConfig(c *cli.Context) (node.Config, error) {
	if err := noArguments(c); err != nil {
		return node.Config{}, err
	}
	config := node.DefaultConfig()
	config.Name = c.String("name")
	config.DataDir = c.String("data-dir")
	config.Exchange = c.String("exchange")
	config.HTTP = c.String("http")
	config.HTTPCert, config.HTTPKey = c.String("http-cert"), c.String("http-key")
	config.RevokeTokens = c.Bool("revoke-tokens")
	config.SimSeed = c.Uint64("sim-seed")
	config.Version = c.App.Version
	if keep := c.String("keep-trades"); keep != "" {
		age, ok := parseAge(keep)
		if !ok {
			return node.Config{}, wrongUsage(c, "--keep-trades %q: want a time such as 90d", keep)
		}
		config.KeepTrades = age
	}
	var err error
	if config.SimSymbols, err = listedSymbols(c, "sim-symbols"); err != nil {
		return node.Config{}, err
	}
	if config.APIKey, err = secretFromEnvironment("HEDGEHOG_API_KEY"); err != nil {
		return node.Config{}, err
	}
	if config.APISecret, err = secretFromEnvironment("HEDGEHOG_API_SECRET"); err != nil {
		return node.Config{}, err
	}
	if err := readMember(c, &config); err != nil {
		return node.Config{}, err
	}
	if err := config.Validate(); err != nil {
		return node.Config{}, wrongUsage(c, "%v", err)
	}
	return config, nil
}

// surroundings returns the real world. The variable HEDGEHOG_TEST_CLOCK, which
// only the fault runner sets, puts the node's clock ahead by a duration, behind
// where it is negative, as if the machine's wall clock were wrong.
func surroundings() (node.Environment, error) {
	around := node.Real()
	text := os.Getenv("HEDGEHOG_TEST_CLOCK")
	if text == "" {
		return around, nil
	}
	ahead, err := time.ParseDuration(text)
	if err != nil {
		return around, fmt.Errorf("HEDGEHOG_TEST_CLOCK: %w", err)
	}
	around.Now = func() time.Time { return time.Now().Add(ahead) }
	around.Exchange = func(c *binance.Config) { c.Now = around.Now }
	return around, nil
}

package main

import (
	"github.com/urfave/cli/v2"

	"hedgehog/node"
)

// memberFlags are the flags of a node that concern its cluster.
func memberFlags(usual node.Config) []cli.Flag {
	env := func(name string) []string { return []string{"HEDGEHOG_" + name} }
	return []cli.Flag{
		&cli.StringFlag{Name: "bind", Usage: "gossip with other nodes at `HOST:PORT`", Value: usual.Bind, EnvVars: env("BIND")},
		&cli.StringFlag{Name: "peer", Usage: "talk to other nodes (TLS) at `HOST:PORT`", DefaultText: "the next port up from --bind", EnvVars: env("PEER")},
		&cli.StringFlag{Name: "advertise", Usage: "tell other nodes to gossip with this one at `HOST:PORT`", DefaultText: "as --bind", EnvVars: env("ADVERTISE")},
		&cli.StringSliceFlag{Name: "join", Usage: "join the cluster of the node that gossips at `HOST:PORT`; may be repeated, one that answers is enough", EnvVars: env("JOIN")},
		&cli.StringFlag{Name: "secret-file", Usage: "read the cluster's secret from `FILE`", EnvVars: env("SECRET_FILE")},
		&cli.StringFlag{Name: "profile", Usage: "how patient nodes are with each other: `PROFILE` local (one machine), lan or wan", Value: usual.Profile, EnvVars: env("PROFILE")},
		&cli.StringFlag{Name: "zone", Usage: "the node may fail together with others in `ZONE`, so symbols are spread over zones", EnvVars: env("ZONE")},
	}
}

// readMember takes what the flags and the environment say of the cluster.
func readMember(c *cli.Context, config *node.Config) error {
	config.Bind = c.String("bind")
	config.Peer = c.String("peer")
	config.Advertise = c.String("advertise")
	config.Join = listed(c, "join")
	config.Profile = c.String("profile")
	config.Zone = c.String("zone")
	secret, given, err := clusterSecret(c)
	if given {
		config.Secret = secret
	}
	return err
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"hedgehog/cluster/peer"
)

// secretVariable is the environment variable with the cluster's secret;
// secretVariable_FILE names a file that holds it.
const secretVariable = "HEDGEHOG_SECRET"

func (p *program) keygenCommand() *cli.Command {
	return &cli.Command{
		Name:  "keygen",
		Usage: "make a secret for a new cluster",
		Description: "All nodes of a cluster have the same secret. Whoever has it can join the cluster and read\n" +
			"what its nodes tell each other; whoever lacks it can do neither. Examples:\n\n" +
			"  hedgehog cluster keygen --out secret\n" +
			"  hedgehog node --secret-file secret --bind 192.0.2.1:7946",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write it to the new `FILE`, which only you can read", DefaultText: "the standard output"},
			jsonFlag(),
		},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			secret, err := peer.NewSecret()
			if err != nil {
				return fmt.Errorf("make a secret: %w", err)
			}
			if c.IsSet("out") {
				return p.keepSecret(c, secret, c.String("out"))
			}
			document := map[string]string{"secret": secret.Text(), "cluster_id": secret.ClusterID()}
			if err := p.print(c, document, func(w io.Writer) { fmt.Fprintln(w, secret.Text()) }); err != nil {
				return err
			}
			fmt.Fprint(p.stderr, "Keep it in a file that nobody else can read, on every node:\n"+
				"  (umask 077; hedgehog cluster keygen > secret)\n"+
				"or, in one step:\n"+
				"  hedgehog cluster keygen --out secret\n")
			return nil
		},
	}
}

// keepSecret writes the secret to a new file.
func (p *program) keepSecret(c *cli.Context, secret peer.Secret, path string) error {
	if err := writeSecret(path, secret); err != nil {
		return err
	}
	document := map[string]string{"file": path, "cluster_id": secret.ClusterID()}
	return p.print(c, document, func(w io.Writer) {
		fmt.Fprintf(w, "%s has the secret of cluster %s; give each node a copy with mode 0600 and start it with\n  hedgehog node --secret-file %[1]s\n", path, secret.ClusterID())
	})
}

func writeSecret(path string, secret peer.Secret) error {
	file, err := newSecretFile(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, secret.Text())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("--out %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// clusterSecret returns the secret that the command line or the environment
// gives, and whether there is one. Errors never show it.
func clusterSecret(c *cli.Context) (secret peer.Secret, given bool, err error) {
	text, path := os.Getenv(secretVariable), c.String("secret-file")
	switch {
	case path != "" && text != "":
		return secret, false, fmt.Errorf("both --secret-file (or %s_FILE) and %[1]s are given: want one", secretVariable)
	case path != "":
		secret, err = peer.ReadSecretFile(path)
	case text != "":
		if secret, err = peer.ParseSecret(text); err != nil {
			err = fmt.Errorf("%s: %w", secretVariable, err)
		}
	default:
		return secret, false, nil
	}
	return secret, err == nil, err
}

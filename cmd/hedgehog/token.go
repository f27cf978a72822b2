package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

func (p *program) tokenCommand() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "say who may use a cluster",
		Description: "Without tokens whoever is on a node's own machine may do everything, and nobody else\n" +
			"anything. As soon as there is one, everybody needs one, on every node. The first one is an\n" +
			"admin's:\n\n" +
			"  hedgehog token create root --role admin --out root.token\n" +
			"  export HEDGEHOG_TOKEN_FILE=$PWD/root.token\n" +
			"  hedgehog status",
		Subcommands: []*cli.Command{p.tokenCreateCommand(), p.tokenListCommand(), p.tokenRevokeCommand()},
	}
}

func (p *program) tokenCreateCommand() *cli.Command {
	return &cli.Command{
		Name: "create", Usage: "make a token", ArgsUsage: "NAME",
		Description: "The token is shown this once; the cluster keeps its hash only. Roles: read sees everything,\n" +
			"trade also switches symbols on and off and changes their settings, admin also changes the\n" +
			"cluster and its tokens. Examples:\n\n" +
			"  hedgehog token create root --role admin --out root.token\n" +
			"  hedgehog token create metrics --role read\n" +
			"  hedgehog token create guest --role trade --expires 30d",
		Flags: clientFlags(
			&cli.StringFlag{Name: "role", Usage: "what its holder may do: `ROLE` read, trade or admin"},
			&cli.StringFlag{Name: "expires", Usage: "it ends by itself after `TIME`, such as 30d or 12h", DefaultText: "never"},
			&cli.StringFlag{Name: "out", Usage: "write it to the new `FILE`, which only you can read", DefaultText: "the standard output"},
		),
		Action: p.createToken,
	}
}

func (p *program) createToken(c *cli.Context) error {
	request := api.NewToken{Role: c.String("role")}
	var err error
	if request.Name, err = neededToken(c); err != nil {
		return err
	}
	if _, err := access.ParseRole(request.Role); err != nil {
		return wrongUsage(c, "--role: %v", err)
	}
	if text := c.String("expires"); c.IsSet("expires") {
		age, ok := parseAge(text)
		if !ok {
			return wrongUsage(c, "--expires %q: want a time such as 30d", text)
		}
		request.ExpiresUS = exchange.MicrosOf(time.Now().Add(age))
	}
	node, err := client(c)
	if err != nil {
		return err
	}
	keep := func(string) error { return nil }
	if path := c.String("out"); c.IsSet("out") {
		// First, so that no token is made that has no place.
		file, err := newSecretFile(path)
		if err != nil {
			return err
		}
		kept := false
		defer func() {
			if !kept {
				_ = errors.Join(file.Close(), os.Remove(path)) // it is empty
			}
		}()
		keep = func(secret string) error {
			_, err := fmt.Fprintln(file, secret)
			if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
				return fmt.Errorf("--out %s: %w: revoke the token and make another one", path, err)
			}
			kept = true
			return nil
		}
	}
	made, err := node.MakeToken(c.Context, request)
	if err != nil {
		return err
	}
	if err := keep(made.Secret); err != nil {
		return err
	}
	if c.IsSet("out") {
		return p.print(c, made.Token, func(w io.Writer) {
			fmt.Fprintf(w, "%s has the token %s of the role %s; use it with\n  export HEDGEHOG_TOKEN_FILE=%[1]s\n", c.String("out"), made.Name, made.Role)
		})
	}
	return p.print(c, made, func(w io.Writer) { fmt.Fprintln(w, made.Secret) })
}

func (p *program) tokenListCommand() *cli.Command {
	return &cli.Command{
		Name: "list", Usage: "list the tokens", Flags: clientFlags(),
		Description: "The tokens themselves are not known to anybody but their holders. Example:\n\n  hedgehog token list",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			tokens, err := node.Tokens(c.Context)
			if err != nil {
				return err
			}
			return p.print(c, tokens, func(w io.Writer) {
				if len(tokens) == 0 {
					fmt.Fprintln(w, "there are no tokens: whoever is on a node's machine may do everything; make one with: hedgehog token create NAME --role admin")
					return
				}
				row(w, "NAME", "ROLE", "CREATED", "EXPIRES")
				for _, t := range tokens {
					row(w, t.Name, t.Role, p.when(t.CreatedUS), p.when(t.ExpiresUS))
				}
			})
		},
	}
}

func (p *program) tokenRevokeCommand() *cli.Command {
	return &cli.Command{
		Name: "revoke", Usage: "take a token's rights away", ArgsUsage: "NAME", Flags: clientFlags(),
		Description: "It counts no more, on no node, and what was begun with it is cut off. Example:\n\n" +
			"  hedgehog token revoke guest",
		Action: func(c *cli.Context) error {
			name, err := neededToken(c)
			if err != nil {
				return err
			}
			node, err := client(c)
			if err != nil {
				return err
			}
			if err := node.RevokeToken(c.Context, name); err != nil {
				return err
			}
			return p.print(c, map[string]string{"revoked": name}, func(w io.Writer) { fmt.Fprintf(w, "%s is revoked\n", name) })
		},
	}
}

// neededToken returns the one token that the arguments name.
func neededToken(c *cli.Context) (string, error) {
	switch {
	case c.NArg() == 0 || c.Args().First() == "":
		return "", wrongUsage(c, "which token? Give it a name, such as that of its holder")
	case c.NArg() > 1:
		return "", wrongUsage(c, "want one token's name, not %d", c.NArg())
	case access.LooksLikeToken(c.Args().First()):
		return "", wrongUsage(c, "that is a token itself, which other users of the machine can now have seen: want its name, and better revoke it")
	}
	return c.Args().First(), nil
}

// newSecretFile makes the file of --out for a secret. It never overwrites one: it
// could hold a secret that is in use.
func newSecretFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("--out %s: the file is there already and may hold a secret that is in use; choose another or remove it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return file, nil
}

// tokenVariable is the environment variable with the token that commands show to
// nodes; tokenVariable_FILE names a file that holds it.
const tokenVariable = "HEDGEHOG_TOKEN"

func tokenFlag() cli.Flag {
	return &cli.StringFlag{Name: "token-file", Usage: "show the node the token in `FILE`", EnvVars: []string{tokenVariable + "_FILE"}}
}

// clientToken returns the token that the command line or the environment gives,
// empty for none. Errors never show it.
func clientToken(c *cli.Context) (access.Secret, error) {
	path := c.String("token-file")
	text, err := access.Secret(os.Getenv(tokenVariable)), error(nil)
	switch {
	case path != "" && text != "":
		return "", fmt.Errorf("both --token-file (or %s_FILE) and %[1]s are given: want one", tokenVariable)
	case path != "":
		if text, err = access.ReadFile(path); err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
	case text != "" && !access.LooksLikeToken(text.Text()):
		return "", fmt.Errorf("%s holds no token: one begins with hh_", tokenVariable)
	}
	return text, nil
}

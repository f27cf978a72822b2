package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"hedgehog/cmd/hedgehog/manual"
)

func (p *program) manCommand() *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "print a manual page, or write all of them",
		ArgsUsage: "[COMMAND]",
		Description: "The page of a command, or of the program, for man to show; with --dir a file for each\n" +
			"page, as a directory of manual pages has them. Examples:\n\n" +
			"  hedgehog man trade | man -l -\n" +
			"  hedgehog man --dir ~/.local/share/man/man1",
		Flags: []cli.Flag{&cli.StringFlag{Name: "dir", Usage: "write all pages into `DIR`, which is made where it is missing"}},
		Action: func(c *cli.Context) error {
			pages := manual.Pages(c.App)
			if c.IsSet("dir") {
				if err := noArguments(c); err != nil {
					return err
				}
				return p.writePages(c.String("dir"), pages)
			}
			if c.NArg() > 1 {
				return wrongUsage(c, "want one command, not %d", c.NArg())
			}
			name := c.App.Name
			if c.Args().Present() {
				name += "-" + c.Args().First()
			}
			for _, page := range pages {
				if page.Name == name {
					if _, err := io.WriteString(p.stdout, page.Text); err != nil {
						return fmt.Errorf("print: %w", err)
					}
					return nil
				}
			}
			return unknownCommand(c, c.App.Commands)
		},
	}
}

func (p *program) writePages(dir string, pages []manual.Page) error {
	if dir == "" {
		return errors.New("--dir \"\": want a directory")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	for _, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, page.Name+".1"), []byte(page.Text), 0o644); err != nil {
			return fmt.Errorf("manual pages: %w", err)
		}
	}
	if _, err := fmt.Fprintf(p.stdout, "%d pages are in %s\n", len(pages), dir); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

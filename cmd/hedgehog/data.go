package main

import "github.com/urfave/cli/v2"

func (p *program) dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "history: import, look at, replay and export it",
		Description: "These commands open a node's database themselves; the node's data directory is named with\n" +
			"--data-dir. While a node runs on it list and export read it, and import, download, fill and\n" +
			"prune are refused. Only replay asks a running node, which also answers hedgehog trades and\n" +
			"candles.",
		Subcommands: []*cli.Command{
			p.dataImportCommand(),
			p.dataDownloadCommand(),
			p.dataListCommand(),
			p.dataFillCommand(),
			p.dataPruneCommand(),
			p.dataReplayCommand(),
			p.dataExportCommand(),
		},
	}
}

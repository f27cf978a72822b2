package main

import "github.com/urfave/cli/v2"

func (p *program) dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "history: import, look at, replay and export it",
		Description: "These commands work on a node's database themselves, while no node runs on it; the node's\n" +
			"data directory is named with --data-dir. Only replay asks a running node, which also answers\n" +
			"hedgehog trades and candles.",
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

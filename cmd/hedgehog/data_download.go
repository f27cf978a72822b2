package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/data/history"
	"hedgehog/exchange"
	"hedgehog/exchange/dump"
)

func (p *program) dataDownloadCommand() *cli.Command {
	return &cli.Command{
		Name:      "download",
		Usage:     "fetch the history of a symbol and import it",
		ArgsUsage: "SYMBOL",
		Description: "Fetches the exchange's public dumps, checks them against their checksums and imports them:\n" +
			"whole months by the month, the rest by whole days. Trades that are not in the archive yet,\n" +
			"those of today for one, come from the exchange itself. No key is needed.\n\n" +
			"When the command is interrupted, the same command goes on from there. What the archive does\n" +
			"not have is named at the end, and the exit code is 1 then. Both addresses may be those of a\n" +
			"mirror or of a simulated exchange. Example:\n\n" +
			"  hedgehog data download XRPUSDT --from 2026-01-01 --to 2026-03-15",
		Flags: append(periodFlags(),
			&cli.StringFlag{Name: "kind", Usage: "fetch `KIND`: trades, aggTrades or klines", Value: dump.Trades.String()},
			&cli.IntFlag{Name: "minutes", Usage: "klines of `LENGTH` 1, 5, 15, 60, 240 or 1440 minutes", Value: 1},
			&cli.StringFlag{Name: "base-url", Usage: "fetch dumps from below `URL`, where the archive has data/spot/…", Value: history.Archive, EnvVars: []string{"HEDGEHOG_BASE_URL"}},
			restURLFlag(), changedDirFlag(),
			&cli.StringFlag{Name: "keep-files", Usage: "keep the dumps in `DIR`", DefaultText: "they are deleted when they are imported"},
			jsonFlag()),
		Action: func(c *cli.Context) (err error) {
			config, err := downloadConfig(c)
			if err != nil {
				return err
			}
			rest, err := p.restClient(c)
			if err != nil {
				return err
			}
			defer rest.Close()
			db, err := makeHistory(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			downloader, err := history.NewDownloader(config, importSink{importStore{db}}, rest, tradeStore{db})
			if err != nil {
				return err
			}
			return p.download(c, downloader, config)
		},
	}
}

// downloadConfig returns the configuration that the flags ask for.
func downloadConfig(c *cli.Context) (history.DownloadConfig, error) {
	config := history.DefaultDownload()
	var err error
	if config.Symbol, err = neededSymbol(c); err != nil {
		return config, err
	}
	if config.From, config.To, err = periodOf(c); err != nil {
		return config, err
	}
	if config.From == 0 {
		return config, wrongUsage(c, "from when on? want --from, such as --from 2026-01-01")
	}
	kinds := []dump.Kind{dump.Trades, dump.AggTrades, dump.Klines}
	kind := slices.IndexFunc(kinds, func(k dump.Kind) bool { return k.String() == c.String("kind") })
	if kind < 0 {
		return config, wrongUsage(c, "--kind %q: want trades, aggTrades or klines", c.String("kind"))
	}
	config.Kind = kinds[kind]
	now := exchange.MicrosOf(config.Now())
	if config.From >= now {
		return config, wrongUsage(c, "--from %s: want a time in the past", c.String("from"))
	}
	if config.To == 0 {
		config.To = now
	}
	config.Minutes = c.Int("minutes")
	if config.Kind == dump.Klines && !slices.Contains(exchange.CandleMinutes[:], config.Minutes) {
		return config, wrongUsage(c, "--minutes %d: want 1, 5, 15, 60, 240 or 1440", config.Minutes)
	}
	config.BaseURL, config.UserAgent = c.String("base-url"), userAgent(c)
	config.Dir, config.Keep = c.String("keep-files"), c.IsSet("keep-files")
	if !config.Keep {
		config.Dir = filepath.Join(c.String("data-dir"), "downloads")
	}
	if err := config.Validate(); err != nil {
		return config, wrongUsage(c, "%v", err)
	}
	return config, nil
}

func (p *program) download(c *cli.Context, downloader *history.Downloader, config history.DownloadConfig) error {
	began := time.Now()
	stop := p.showProgress(func() string { return downloadLine(config, downloader.Progress(), began) })
	defer stop()
	err := downloader.Run(c.Context)
	stop()
	done := downloader.Progress()
	var incomplete *history.IncompleteError
	if err != nil && !errors.As(err, &incomplete) {
		if c.Context.Err() != nil {
			fmt.Fprintf(p.stderr, "%s; the same command goes on from there\n", downloadLine(config, done, began))
		}
		return err
	}
	document := struct {
		Symbol   string   `json:"symbol"`
		Kind     string   `json:"kind"`
		Files    int      `json:"files"`    // that were fetched
		Bytes    int64    `json:"bytes"`    // likewise
		Trades   int64    `json:"trades"`   // that came from the exchange itself
		Absent   []string `json:"absent"`   // dumps that the archive does not have
		Damaged  []string `json:"damaged"`  // dumps that differ from their checksums
		Rejected int      `json:"rejected"` // dumps that could not be imported whole
		Left     int64    `json:"left"`     // trades that the exchange does not have
	}{Symbol: config.Symbol, Kind: config.Kind.String(), Files: done.Fetched, Bytes: done.Bytes, Trades: done.Recent.Stored, Left: done.Recent.Left,
		Absent: []string{}, Damaged: []string{}}
	if incomplete != nil {
		document.Absent = append(document.Absent, incomplete.Absent...)
		document.Damaged = append(document.Damaged, incomplete.Damaged...)
		document.Rejected = len(incomplete.Rejected)
	}
	return errors.Join(p.print(c, document, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d dumps of %s fetched (%s)", config.Symbol, done.Fetched, config.Kind, megabytes(done.Bytes))
		if done.Recent.Stored > 0 {
			fmt.Fprintf(w, ", and %d trades from the exchange", done.Recent.Stored)
		}
		fmt.Fprintln(w)
	}), err)
}

// downloadLine says how far a download has come.
func downloadLine(config history.DownloadConfig, p history.DownloadProgress, began time.Time) string {
	if p.Done == p.Files {
		return fillLine(config.Symbol, p.Recent, began)
	}
	line := fmt.Sprintf("%s: %d of %d dumps, %s fetched%s", config.Symbol, p.Done, p.Files, megabytes(p.Bytes), timeLeft(began, p.Share))
	if p.Waiting != "" {
		line += ", " + p.Waiting
	}
	if p.Importing != "" {
		line += ", importing " + p.Importing
	}
	return line
}

// importSink is the database as a downloader sees it.
type importSink struct{ importStore }

// Import is history.Sink's.
func (s importSink) Import(ctx context.Context, path string) error {
	importer, err := history.NewImporter(history.DefaultImport(path), s.importStore)
	if err != nil {
		return err
	}
	return importer.Run(ctx)
}

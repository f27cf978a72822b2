package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

func (p *program) studiesCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the studies that are kept",
		Description: "The studies that are kept in the data directory, with the number of their trials. Example:\n\n  hedgehog optimize list",
		Flags:       []cli.Flag{dataDirFlag(), jsonFlag()},
		Action: func(c *cli.Context) (err error) {
			if err := noArguments(c); err != nil {
				return err
			}
			db, err := openStudies(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			stored, err := db.Studies(c.Context)
			if err != nil {
				return err
			}
			studies := make([]studyEntry, len(stored))
			for i, s := range stored {
				studies[i] = studyEntry{s.Name, s.Symbol, s.Objective, s.Trials, s.Changed}
			}
			return p.print(c, studies, func(w io.Writer) { p.writeStudies(w, studies) })
		},
	}
}

// studyEntry is a study in a list.
type studyEntry struct {
	Name      string          `json:"name"`
	Symbol    string          `json:"symbol"`
	Objective string          `json:"objective"`
	Trials    int64           `json:"trials"`
	Changed   exchange.Micros `json:"changed"`
}

func (p *program) writeStudies(w io.Writer, studies []studyEntry) {
	row(w, "STUDY", "SYMBOL", "OBJECTIVE", "TRIALS", "LAST RUN")
	for _, s := range studies {
		row(w, s.Name, s.Symbol, s.Objective, s.Trials, p.when(s.Changed))
	}
}

func (p *program) studyCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show what a study has found",
		ArgsUsage: "STUDY",
		Description: "All trials of a study that are kept, also those of a run that was interrupted. Example:\n\n" +
			"  hedgehog optimize show XRPETH-1f2e3d4c --top 3",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "objective", Usage: "rank by `FIGURE`: profit, profit_share, realized or drawdown_adjusted", DefaultText: "that of the last run"},
			&cli.IntFlag{Name: "top", Usage: "show the best `N` of each window", Value: 10},
			dataDirFlag(), tableFlag(), jsonFlag(),
		},
		Action: func(c *cli.Context) (err error) {
			name := c.Args().First()
			switch {
			case c.NArg() != 1:
				return wrongUsage(c, "which study? hedgehog optimize list lists them")
			case !validStudy(name):
				return wrongStudy(c, name)
			case c.Int("top") < 1:
				return wrongUsage(c, "--top %d: want 1 or more", c.Int("top"))
			}
			db, err := openStudies(c)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			o, err := readStudy(c, db, name)
			if err != nil {
				return err
			}
			if c.Bool("csv") {
				return writeTrialsCSV(p.stdout, o.Report)
			}
			return p.print(c, o, o.text(p, c.Int("top")))
		},
	}
}

// readStudy returns what is kept of a study.
func readStudy(c *cli.Context, db *storage.DB, name string) (*outcome, error) {
	study, err := db.Study(c.Context, name)
	if errors.Is(err, storage.ErrUnknownStudy) {
		return nil, fmt.Errorf("%w: hedgehog optimize list lists them", err)
	}
	if err != nil {
		return nil, err
	}
	var definition optimize.Definition
	var base naive.Settings
	if err := errors.Join(json.Unmarshal([]byte(study.Definition), &definition), json.Unmarshal([]byte(study.Base), &base)); err != nil {
		return nil, fmt.Errorf("study %s: %w", name, err)
	}
	objective := optimize.Objective(study.Objective)
	if c.IsSet("objective") {
		objective = optimize.Objective(c.String("objective"))
		if err := objective.Validate(); err != nil {
			return nil, wrongUsage(c, "%v", err)
		}
	}
	trials, err := studyStore{db, name}.Trials(c.Context)
	if err != nil {
		return nil, err
	}
	for i := range trials {
		trials[i].Settings.Symbol, trials[i].Settings.Status = base.Symbol, base.Status
	}

	return &outcome{
		Study: name, Symbol: study.Symbol, Trades: definition.Trades, Kept: len(trials),
		Report: optimize.NewReport(objective, base, definition.Windows, trials), Source: "the last run",
	}, nil
}

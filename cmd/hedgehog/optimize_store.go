package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/urfave/cli/v2"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

// openStudies opens what has been tried for reading.
func openStudies(c *cli.Context) (*storage.DB, error) {
	return readIn(c, studiesFile,
		fmt.Errorf("no studies are kept in %s: hedgehog optimize SYMBOL --param NAME=LOW:HIGH:STEPS makes one, or name another directory with --data-dir", c.String("data-dir")))
}

// studyStore keeps the trials of one study in the database.
type studyStore struct {
	db   *storage.DB
	name string
}

// openStudy stores the study, or says that another one has its name.
func openStudy(c *cli.Context, db *storage.DB, s search, definition optimize.Definition, now exchange.Micros) (studyStore, error) {
	text, err := definition.JSON()
	if err != nil {
		return studyStore{}, err
	}
	base, err := json.Marshal(s.config.Backtest.Settings)
	if err != nil {
		return studyStore{}, fmt.Errorf("write settings: %w", err)
	}
	err = db.PutStudy(c.Context, storage.Study{
		Name: s.name, Symbol: s.symbol, Definition: text, Objective: string(s.config.Objective), Base: string(base), Changed: now,
	})
	if errors.Is(err, storage.ErrConflict) {
		return studyStore{}, fmt.Errorf("%w: give it another --name, or none", err)
	}
	return studyStore{db, s.name}, err
}

// Trials is optimize.Store's.
func (s studyStore) Trials(ctx context.Context) ([]optimize.Trial, error) {
	stored, err := s.db.Trials(ctx, s.name)
	if err != nil {
		return nil, err
	}
	trials := make([]optimize.Trial, len(stored))
	for i, t := range stored {
		trials[i] = optimize.Trial{Window: t.Window, Settings: naive.Settings{
			Chunks: t.Settings.Chunks, Budget: t.Settings.Budget, BuyDownInterval: t.Settings.BuyDownInterval,
			ProfitTarget: t.Settings.ProfitTarget, RebuyInterval: t.Settings.RebuyInterval,
		}}
		if err := errors.Join(json.Unmarshal([]byte(t.In), &trials[i].In), json.Unmarshal([]byte(t.Out), &trials[i].Out)); err != nil {
			return nil, fmt.Errorf("trial %d of study %s: %w", i, s.name, err)
		}
	}
	return trials, nil
}

// Keep is optimize.Store's.
func (s studyStore) Keep(ctx context.Context, t optimize.Trial) error {
	in, err := json.Marshal(t.In)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	out, err := json.Marshal(t.Out)
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return s.db.PutTrial(ctx, s.name, storage.Trial{Window: t.Window, In: string(in), Out: string(out), Settings: storage.Trading{
		Chunks: t.Settings.Chunks, Budget: t.Settings.Budget, BuyDownInterval: t.Settings.BuyDownInterval,
		ProfitTarget: t.Settings.ProfitTarget, RebuyInterval: t.Settings.RebuyInterval,
	}})
}

func validStudy(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(name)
}

func wrongStudy(c *cli.Context, name string) error {
	return wrongUsage(c, "%q is no study's name: want 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit", name)
}

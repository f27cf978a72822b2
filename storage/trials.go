package storage

import (
	"context"
	"fmt"

	"hedgehog/exchange"
)

// Study is a search for good settings of a symbol.
type Study struct {
	Name   string
	Symbol string
	// Definition is JSON that has all that a trial's figures follow from beside its
	// settings. It stays as it was when the study was first put.
	Definition string
	Objective  string          // of the latest run
	Base       string          // JSON, the settings that the latest run varied
	Changed    exchange.Micros // when the latest run began
	Trials     int64           // that are stored; PutStudy does not look at it
}

// Trial is what came of settings in one of a study's windows.
type Trial struct {
	Window   int     // from 0
	Settings Trading // its Status is not stored
	In, Out  string  // JSON, figures of the two parts of the window
}

// PutStudy stores a study, or changes the latest run of one that is there: with
// another symbol or definition that is ErrConflict.
func (db *DB) PutStudy(ctx context.Context, s Study) error {
	err := db.update(ctx, untilPowerLoss, func(b batch) error {
		there, err := scanStudy(b.row(ctx, selectStudies+" WHERE name = ?", s.Name))
		if err == nil && (there.Symbol != s.Symbol || there.Definition != s.Definition) {
			return fmt.Errorf("%w: it is there already, of other trades or conditions", ErrConflict)
		}
		if err != nil && !none(err) {
			return err
		}
		_, err = b.exec(ctx, `INSERT INTO studies (name, symbol, definition, objective, base, changed_time) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET objective = excluded.objective, base = excluded.base, changed_time = excluded.changed_time`,
			s.Name, s.Symbol, s.Definition, s.Objective, s.Base, int64(s.Changed))
		return err
	})
	if err != nil {
		return fmt.Errorf("write study %s: %w", s.Name, err)
	}
	return nil
}

const selectStudies = `SELECT name, symbol, definition, objective, base, changed_time,
	(SELECT count(*) FROM trials WHERE study = name) FROM studies`

func scanStudy(row scanner) (s Study, err error) {
	err = row.Scan(&s.Name, &s.Symbol, &s.Definition, &s.Objective, &s.Base, &s.Changed, &s.Trials)
	return s, err
}

// Study returns the study of that name, or ErrUnknownStudy.
func (db *DB) Study(ctx context.Context, name string) (Study, error) {
	s, err := scanStudy(db.reader.row(ctx, selectStudies+" WHERE name = ?", name))
	if none(err) {
		err = ErrUnknownStudy
	}
	if err != nil {
		return Study{}, fmt.Errorf("study %s: %w", name, err)
	}
	return s, nil
}

// Studies returns all studies, in order of name.
func (db *DB) Studies(ctx context.Context) ([]Study, error) {
	all, err := collect(ctx, db.reader, scanStudy, selectStudies+" ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read studies: %w", err)
	}
	return all, nil
}

// PutTrial stores a trial of the study, which is there. A trial of the same settings
// in the same window stays as it is.
func (db *DB) PutTrial(ctx context.Context, study string, t Trial) error {
	err := db.update(ctx, untilPowerLoss, func(b batch) error {
		s := &t.Settings
		_, err := b.exec(ctx, `INSERT INTO trials (study, window, budget, chunks, buy_down_interval, profit_target, rebuy_interval,
			in_sample, out_of_sample) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			study, t.Window, text(s.Budget), s.Chunks, text(s.BuyDownInterval), text(s.ProfitTarget), text(s.RebuyInterval), t.In, t.Out)
		return err
	})
	if err != nil {
		return fmt.Errorf("write trial of study %s: %w", study, err)
	}
	return nil
}

// Trials returns the trials of the study, by window, then in no order that means
// anything.
func (db *DB) Trials(ctx context.Context, study string) ([]Trial, error) {
	all, err := collect(ctx, db.reader, func(row scanner) (t Trial, err error) {
		s := &t.Settings
		err = row.Scan(&t.Window, &s.Budget, &s.Chunks, &s.BuyDownInterval, &s.ProfitTarget, &s.RebuyInterval, &t.In, &t.Out)
		return t, err
	}, `SELECT window, budget, chunks, buy_down_interval, profit_target, rebuy_interval, in_sample, out_of_sample
		FROM trials WHERE study = ? ORDER BY window`, study)
	if err != nil {
		return nil, fmt.Errorf("read trials of study %s: %w", study, err)
	}
	return all, nil
}

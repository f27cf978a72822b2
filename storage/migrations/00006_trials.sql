-- What optimizing has tried. A node by itself has these tables: they are no part of
-- the replicated state.

-- +goose Up

-- Searches for good settings of a symbol on some of its past trades.
CREATE TABLE studies (
    name         TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    symbol       TEXT    NOT NULL CHECK (symbol <> ''),
    definition   TEXT    NOT NULL CHECK (json_valid(definition)), -- all that a trial's figures follow from beside its settings
    objective    TEXT    NOT NULL CHECK (objective <> ''),        -- of the latest run
    base         TEXT    NOT NULL CHECK (json_valid(base)),       -- the settings that the latest run varied
    changed_time INTEGER NOT NULL                                 -- when the latest run began
) STRICT, WITHOUT ROWID;

-- Settings that were tried in one of a study's windows, and what came of them.
CREATE TABLE trials (
    study             TEXT    NOT NULL REFERENCES studies (name) ON DELETE CASCADE,
    window            INTEGER NOT NULL CHECK (window >= 0),
    budget            TEXT    NOT NULL, -- quote asset
    chunks            INTEGER NOT NULL,
    buy_down_interval TEXT    NOT NULL, -- share of the price, as are the next two
    profit_target     TEXT    NOT NULL,
    rebuy_interval    TEXT    NOT NULL,
    in_sample         TEXT    NOT NULL CHECK (json_valid(in_sample)),     -- figures of the window's first part
    out_of_sample     TEXT    NOT NULL CHECK (json_valid(out_of_sample)), -- of its second part
    PRIMARY KEY (study, window, budget, chunks, buy_down_interval, profit_target, rebuy_interval)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE trials;
DROP TABLE studies;

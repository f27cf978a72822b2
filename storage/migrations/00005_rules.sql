-- What the exchange last said of its symbols, so that a backtest has their rules
-- without asking it.

-- +goose Up
CREATE TABLE symbol_rules (
    symbol TEXT NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    rules  TEXT NOT NULL CHECK (json_valid(rules)) -- exchange.Symbol
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE symbol_rules;

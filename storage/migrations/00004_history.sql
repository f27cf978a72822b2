-- History that was brought from elsewhere. Imported trades and candles are in
-- trade_events and candles beside those that were collected.

-- +goose Up

-- Aggregate trades: one row for all trades that one order took at one price at one
-- time. Ids of a symbol rise by one.
CREATE TABLE agg_trades (
    symbol         TEXT    NOT NULL CHECK (symbol <> ''),
    agg_id         INTEGER NOT NULL CHECK (agg_id > 0),
    price          TEXT    NOT NULL CHECK (price > '0' AND price < ':'),       -- quote asset
    quantity       TEXT    NOT NULL CHECK (quantity > '0' AND quantity < ':'), -- base asset
    first_trade_id INTEGER NOT NULL CHECK (first_trade_id > 0),
    last_trade_id  INTEGER NOT NULL CHECK (last_trade_id >= first_trade_id),
    trade_time     INTEGER NOT NULL CHECK (trade_time > 0),
    buyer_is_maker INTEGER NOT NULL CHECK (buyer_is_maker IN (0, 1)),
    PRIMARY KEY (symbol, agg_id)
) STRICT, WITHOUT ROWID;

-- The dumps that have been imported whole. A row goes when some of what the dump
-- held is pruned.
CREATE TABLE imported_dumps (
    sha256      BLOB    NOT NULL CHECK (length(sha256) = 32), -- of the file as it was
    name        TEXT    NOT NULL CHECK (name <> ''),          -- without its directory
    symbol      TEXT    NOT NULL CHECK (symbol <> ''),
    kind        TEXT    NOT NULL CHECK (kind IN ('trades', 'aggTrades', 'candles')),
    minutes     INTEGER NOT NULL CHECK (minutes >= 0),        -- length of the candles; else 0
    first_time  INTEGER NOT NULL,                             -- of its first row; 0 where it has none
    PRIMARY KEY (sha256, name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE imported_dumps;
DROP TABLE agg_trades;

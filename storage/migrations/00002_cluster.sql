-- The cluster's replicated state: these tables, and the settings and positions
-- of 00001. They change by ApplyEntries alone, so that they are the same on
-- every node that has applied as much.

-- +goose Up

-- How much of the cluster's log this file has applied. The only row.
CREATE TABLE replicated (
    one           INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    applied_index INTEGER NOT NULL CHECK (applied_index >= 0), -- 0 before the first command
    applied_term  INTEGER NOT NULL CHECK (applied_term >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO replicated (one, applied_index, applied_term) VALUES (1, 0, 0);

-- The nodes that belong to the cluster, whether they are up or not.
CREATE TABLE members (
    name        TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    zone        TEXT    NOT NULL,                           -- '' for none
    weight      INTEGER NOT NULL CHECK (weight >= 1),       -- share of the load, relative to the others'
    draining    INTEGER NOT NULL CHECK (draining IN (0, 1)), -- 1: is to give up its symbols
    address     TEXT    NOT NULL CHECK (address <> ''),     -- last known TLS address, host:port
    joined_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the cluster is asked to run: a row per symbol that was ever assigned,
-- pinned or weighted.
CREATE TABLE cluster_symbols (
    symbol   TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    assigned INTEGER NOT NULL DEFAULT 0 CHECK (assigned IN (0, 1)), -- 1: some node is to run it
    weight   INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 1),        -- load, relative to the others'
    pin      TEXT    NOT NULL DEFAULT ''                            -- the node that it is to run on; '' for any
) STRICT, WITHOUT ROWID;

-- Who runs what. A row stays when nobody does, for its epoch never goes back.
CREATE TABLE assignments (
    symbol     TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    node       TEXT    NOT NULL,                     -- '' for nobody
    run        INTEGER NOT NULL CHECK (run >= 0),    -- which life of the node
    epoch      INTEGER NOT NULL CHECK (epoch > 0),   -- rises by one with each change of node or run
    since_time INTEGER NOT NULL,
    next       TEXT    NOT NULL                      -- the node that it is being handed to; '' for none
) STRICT, WITHOUT ROWID;

-- Up to which trade the cluster has stored the trades of a symbol.
CREATE TABLE watermarks (
    symbol   TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    trade_id INTEGER NOT NULL CHECK (trade_id >= 0)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE watermarks;
DROP TABLE assignments;
DROP TABLE cluster_symbols;
DROP TABLE members;
DROP TABLE replicated;

-- What keeps changes apart that come twice or late.
--
-- Which proposals the latest commands of the cluster's log came from, so that one
-- that was sent again is not carried out again. Part of the replicated state.

-- +goose Up
CREATE TABLE proposals (
    log_index INTEGER NOT NULL PRIMARY KEY CHECK (log_index > 0),
    proposal  TEXT    NOT NULL UNIQUE CHECK (proposal <> ''),
    result    TEXT    NOT NULL -- JSON, what the proposer was answered
) STRICT;

-- Which change of its positions the owner of a symbol has proposed last.
CREATE TABLE position_revisions (
    symbol   TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    epoch    INTEGER NOT NULL CHECK (epoch > 0),
    revision INTEGER NOT NULL CHECK (revision > 0)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE position_revisions;
DROP TABLE proposals;

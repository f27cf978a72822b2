-- Which proposals the latest commands of the cluster's log came from, so that one
-- that was sent again is not carried out again. Part of the replicated state.

-- +goose Up
CREATE TABLE proposals (
    log_index INTEGER NOT NULL PRIMARY KEY CHECK (log_index > 0),
    proposal  TEXT    NOT NULL UNIQUE CHECK (proposal <> ''),
    result    TEXT    NOT NULL -- JSON, what the proposer was answered
) STRICT;

-- +goose Down
DROP TABLE proposals;

-- Who may call the API. Part of the replicated state.

-- +goose Up
CREATE TABLE tokens (
    name         TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    role         TEXT    NOT NULL CHECK (role IN ('read', 'trade', 'admin')),
    hash         TEXT    NOT NULL UNIQUE CHECK (length(hash) = 64), -- SHA-256 of the token, hexadecimal
    created_time INTEGER NOT NULL,
    expires_time INTEGER NOT NULL                                   -- 0: never
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE tokens;

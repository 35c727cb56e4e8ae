-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE initial_access_tokens (
    id         TEXT     NOT NULL PRIMARY KEY,
    hash       BLOB     NOT NULL UNIQUE,
    label      TEXT     NOT NULL,
    scopes     TEXT     NOT NULL,
    max_uses   INTEGER  NOT NULL,
    uses_left  INTEGER  NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME
);

-- +goose Down
DROP TABLE initial_access_tokens;

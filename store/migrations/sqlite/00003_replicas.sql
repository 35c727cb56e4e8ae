-- +goose NO TRANSACTION

-- +goose Up

-- Each server keeps a row of itself. deployment is the one that it has loaded, NULL for none; problem is why it cannot
-- register clients, '' if it can. Times are by the database's clock.
CREATE TABLE replicas (
    id         TEXT     NOT NULL PRIMARY KEY,
    version    TEXT     NOT NULL DEFAULT '',
    address    TEXT     NOT NULL DEFAULT '',
    deployment INTEGER,
    problem    TEXT     NOT NULL DEFAULT '',
    started_at DATETIME NOT NULL,
    beat_at    DATETIME NOT NULL
);

-- +goose Down
-- loses replicas
DROP TABLE replicas;

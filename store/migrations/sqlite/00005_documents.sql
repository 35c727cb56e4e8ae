-- +goose NO TRANSACTION

-- +goose Up

-- Clients whose ID is the URL of their metadata document. They are not in clients: anyone can name URLs, so these rows
-- are bounded and the longest unused ones are deleted; and a program of the version before must not take a row for a
-- registered client.
--
-- document is what was fetched or pinned, metadata what the steps made of it under the deployment policy; both are NULL
-- where no document is kept, and so are etag, last_modified and fresh_until. digest is the SHA-256 of the last good
-- document. pinned_at is set while an operator's copy is in force. held is 1 for rows that are never deleted for room:
-- those that are pinned or not active. history is a JSON list of the last changes, NULL for none.
CREATE TABLE documents (
    client_id     TEXT     NOT NULL PRIMARY KEY,
    registration  BLOB     NOT NULL,
    issued_at     DATETIME NOT NULL,
    client_name   TEXT,
    metadata      TEXT,
    caller        TEXT     NOT NULL,
    deployment    INTEGER  NOT NULL,
    acts          TEXT     NOT NULL,
    policy        INTEGER  NOT NULL,
    version       INTEGER  NOT NULL,
    seen_at       DATETIME,
    status        TEXT,
    admin_acts    TEXT,
    digest        BLOB,
    etag          TEXT     NOT NULL,
    last_modified TEXT     NOT NULL,
    fetched_at    DATETIME,
    fresh_until   DATETIME,
    pinned_at     DATETIME,
    used_at       DATETIME NOT NULL,
    held          INTEGER  NOT NULL,
    document      BLOB,
    history       TEXT
);
CREATE INDEX documents_held_used ON documents (held, used_at);

-- +goose Down
-- loses documents
DROP TABLE documents;

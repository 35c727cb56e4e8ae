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
    rowid         BIGINT          NOT NULL AUTO_INCREMENT,
    client_id     VARBINARY(2048) NOT NULL,
    registration  BINARY(16)      NOT NULL,
    issued_at     DATETIME(6)     NOT NULL,
    client_name   MEDIUMTEXT      NULL,
    metadata      MEDIUMTEXT      NULL,
    caller        MEDIUMTEXT      NOT NULL,
    deployment    BIGINT          NOT NULL,
    acts          MEDIUMTEXT      NOT NULL,
    policy        BIGINT          NOT NULL,
    version       BIGINT          NOT NULL,
    seen_at       DATETIME(6)     NULL,
    status        VARCHAR(16)     NULL,
    admin_acts    MEDIUMTEXT      NULL,
    digest        VARBINARY(32)   NULL,
    etag          VARBINARY(255)  NOT NULL,
    last_modified VARBINARY(255)  NOT NULL,
    fetched_at    DATETIME(6)     NULL,
    fresh_until   DATETIME(6)     NULL,
    pinned_at     DATETIME(6)     NULL,
    used_at       DATETIME(6)     NOT NULL,
    held          TINYINT(1)      NOT NULL,
    document      MEDIUMBLOB      NULL,
    history       MEDIUMTEXT      NULL,
    PRIMARY KEY (rowid),
    UNIQUE KEY documents_client_id (client_id),
    KEY documents_held_used (held, used_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- loses documents
DROP TABLE documents;

-- +goose Up
CREATE TABLE initial_access_tokens (
    id         VARBINARY(64) NOT NULL,
    hash       VARBINARY(32) NOT NULL,
    label      VARCHAR(255)  NOT NULL,
    scopes     MEDIUMTEXT    NOT NULL,
    max_uses   BIGINT        NOT NULL,
    uses_left  BIGINT        NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    expires_at DATETIME(6)   NULL,
    PRIMARY KEY (id),
    UNIQUE KEY initial_access_tokens_hash (hash)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE initial_access_tokens;

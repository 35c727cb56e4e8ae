-- +goose Up
ALTER TABLE clients
    ADD COLUMN version            BIGINT        NOT NULL DEFAULT 0,
    ADD COLUMN token_hash         VARBINARY(32) NULL,
    ADD COLUMN former_hash        VARBINARY(32) NULL,
    ADD COLUMN former_salt        VARBINARY(16) NULL,
    ADD COLUMN former_expires_at  DATETIME(6)   NULL,
    ADD COLUMN updated_at         DATETIME(6)   NULL,
    ADD COLUMN updated_deployment BIGINT        NULL,
    ADD COLUMN updated_acts       MEDIUMTEXT    NULL,
    ADD COLUMN seen_at            DATETIME(6)   NULL,
    ADD UNIQUE KEY clients_token_hash (token_hash);

-- +goose Down
ALTER TABLE clients
    DROP KEY clients_token_hash,
    DROP COLUMN version,
    DROP COLUMN token_hash,
    DROP COLUMN former_hash,
    DROP COLUMN former_salt,
    DROP COLUMN former_expires_at,
    DROP COLUMN updated_at,
    DROP COLUMN updated_deployment,
    DROP COLUMN updated_acts,
    DROP COLUMN seen_at;

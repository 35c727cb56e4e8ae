-- +goose Up

-- Each server keeps a row of itself. deployment is the one that it has loaded, NULL for none; problem is why it cannot
-- register clients, '' if it can. Times are by the database's clock.
CREATE TABLE replicas (
    id         VARBINARY(64) NOT NULL,
    version    VARCHAR(255)  NOT NULL DEFAULT '',
    address    VARCHAR(255)  NOT NULL DEFAULT '',
    deployment BIGINT        NULL,
    problem    VARCHAR(2000) NOT NULL DEFAULT '',
    started_at DATETIME(6)   NOT NULL,
    beat_at    DATETIME(6)   NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- loses replicas
DROP TABLE replicas;

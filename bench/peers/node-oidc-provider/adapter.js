// An adapter of node-oidc-provider for MySQL, for what a registration stores: the client and its registration access
// token. Each kind has a table with the ID as primary key and the payload as JSON. An upsert is one prepared statement,
// which MySQL commits durably by itself: the interface of adapters has no transaction over two models.
import { createPool } from "mysql2/promise";

const tables = { Client: "clients", RegistrationAccessToken: "registration_access_tokens" };

/** Returns the class for the provider's option `adapter`, once the tables exist. */
export async function adapter({ socketPath, database, connections }) {
  const pool = createPool({ socketPath, database, user: "root", connectionLimit: connections, maxIdle: connections });
  for (const table of Object.values(tables))
    await pool.execute(`CREATE TABLE IF NOT EXISTS ${table} (
      id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, payload JSON NOT NULL, expires_at DATETIME)`);

  return class Adapter {
    #kind;

    constructor(kind) {
      this.#kind = kind;
    }

    get #table() {
      const table = tables[this.#kind];
      if (!table) throw new Error(`${this.#kind} is not stored: this server only registers clients`);
      return table;
    }

    async upsert(id, payload, expiresIn) {
      const expires = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
      await pool.execute(`INSERT INTO ${this.#table} (id, payload, expires_at) VALUES (?, ?, ?)
        ON DUPLICATE KEY UPDATE payload = VALUES(payload), expires_at = VALUES(expires_at)`,
      [id, JSON.stringify(payload), expires]);
    }

    async find(id) {
      const [rows] = await pool.execute(
        `SELECT payload FROM ${this.#table} WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)`, [id, new Date()]);
      return rows[0]?.payload;
    }

    async destroy(id) {
      await pool.execute(`DELETE FROM ${this.#table} WHERE id = ?`, [id]);
    }
  };
}

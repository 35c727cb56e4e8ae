//go:build !previousschema

package store

import (
	"database/sql"

	"registrar/engine"
)

// NewestColumns are the columns of clients that the newest migration brought.
type NewestColumns struct {
	Status    sql.Null[string] // NULL means active
	AdminActs sql.Null[string] // NULL means none
}

// newestClientColumns continues clientColumns.
const newestClientColumns = ",status,admin_acts"

// isActive continues a condition on clients so that it holds only for those that are active.
const isActive = " AND status IS NULL"

// hasStatus continues the condition of a list: the status is the given one. statusArguments returns its arguments.
const hasStatus = " AND (? = 0 OR COALESCE(status, 'active') = ?)"

func statusArguments(status engine.Status) []any { return []any{status != "", string(status)} }

// newestUpdatedColumns are those of NewestColumns that an update writes. Registrations leave them out.
var newestUpdatedColumns = []string{"status", "admin_acts"}

// newestFields returns pointers to the fields of newestClientColumns, in their order.
func (n *NewestColumns) newestFields() []any { return []any{&n.Status, &n.AdminActs} }

// setNewest fills the columns.
func (n *NewestColumns) setNewest(c *engine.Client) error {
	if !c.Active() {
		n.Status = sql.Null[string]{V: string(c.Status), Valid: true}
	}
	if len(c.AdminActs) == 0 {
		return nil
	}
	acts, err := encodeJSON(c.AdminActs)
	n.AdminActs = sql.Null[string]{V: acts, Valid: true}
	return err
}

// appendNewest appends the values of newestUpdatedColumns.
func (n *NewestColumns) appendNewest(args []any) []any {
	return appendNull(appendNull(args, n.Status), n.AdminActs)
}

// readNewest decodes the columns into c. A status that this program does not know is not active.
func (n *NewestColumns) readNewest(c *engine.Client) (err error) {
	if n.Status.Valid {
		c.Status = engine.Status(n.Status.V)
	}
	if n.AdminActs.Valid {
		c.AdminActs, err = decodeJSON[[]engine.AdminAct](n.AdminActs.V)
	}
	return err
}

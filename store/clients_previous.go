//go:build previousschema

package store

import (
	"errors"

	"registrar/engine"
)

// NewestColumns are the columns of clients that the newest migration brought: none in this build.
type NewestColumns struct{}

const newestClientColumns = ""

const isActive = ""

// hasStatus holds for clients of a status: all are active.
const hasStatus = " AND (? = 0 OR 'active' = ?)"

func statusArguments(status engine.Status) []any { return []any{status != "", string(status)} }

var newestUpdatedColumns []string

func (*NewestColumns) newestFields() []any { return nil }

func (*NewestColumns) setNewest(c *engine.Client) error {
	if !c.Active() {
		return errors.New("this program keeps no status of clients")
	}
	return nil
}

func (*NewestColumns) appendNewest(args []any) []any { return args }

func (*NewestColumns) readNewest(*engine.Client) error { return nil }

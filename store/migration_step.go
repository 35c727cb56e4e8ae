package store

import "database/sql"

// A step is one migration, up or down. The zero step is none.
type step struct {
	version int64 // of the migration's file
	down    bool
}

// nextStep returns the first step from a version to another.
func nextStep(at, to int64) step {
	if to < at {
		return step{at, true}
	}
	return step{at + 1, false}
}

// notedStep returns the step that is noted by a number: its version, negative if it is down.
func notedStep(n sql.Null[int64]) step { return step{max(n.V, -n.V), n.V < 0} }

// noted returns the number by which the step is noted; NULL for none.
func (s step) noted() sql.Null[int64] {
	if s.down {
		return sql.Null[int64]{V: -s.version, Valid: true}
	}
	return sql.Null[int64]{V: s.version, Valid: s.version != 0}
}

// before returns the version of the schema before the step.
func (s step) before() int64 {
	if s.down {
		return s.version
	}
	return s.version - 1
}

// after returns the version of the schema after the step.
func (s step) after() int64 {
	if s.down {
		return s.version - 1
	}
	return s.version
}

// continues reports whether a step that was begun is still to be finished, at a version of the schema. If the version
// is another one, the step ended, and only that was not noted. A later program's step is left to it.
func (s step) continues(at int64) bool {
	return s != step{} && s.before() == at && s.version <= LatestVersion
}

package store

import (
	"database/sql"
	"errors"
	"time"
)

var errNoTime = errors.New("the time is missing")

// instant returns t as it is stored: UTC, truncated to microseconds. MySQL itself would round up.
func instant(t time.Time) (time.Time, error) {
	if t.IsZero() {
		return t, errNoTime
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// optionalTime returns t as it is stored, NULL for the zero time.
func optionalTime(t time.Time) sql.Null[time.Time] {
	return sql.Null[time.Time]{V: t.UTC().Truncate(time.Microsecond), Valid: !t.IsZero()}
}

// timeOf returns a time that optionalTime stored.
func timeOf(t sql.Null[time.Time]) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.V.UTC()
}

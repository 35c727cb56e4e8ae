package store

import (
	"database/sql"
	"errors"
	"time"
)

var errNoTime = errors.New("the time is missing")

// instant returns t as it is kept: UTC, in whole microseconds. MySQL would round, which may lead into the next day.
func instant(t time.Time) (time.Time, error) {
	if t.IsZero() {
		return t, errNoTime
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// optionalTime returns t as it is kept, and NULL for the zero time.
func optionalTime(t time.Time) sql.Null[time.Time] {
	return sql.Null[time.Time]{V: t.UTC().Truncate(time.Microsecond), Valid: !t.IsZero()}
}

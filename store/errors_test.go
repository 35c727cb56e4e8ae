package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"

	"registrar/engine"
	"registrar/scripts"
	"registrar/store"
)

func TestClassify(t *testing.T) {
	server := func(number uint16) error { return fmt.Errorf("asking: %w", &mysql.MySQLError{Number: number}) }
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want []error // besides err
		not  error
	}{
		"too many connections": {t.Context(), server(1040), []error{engine.ErrUnavailable}, nil},
		"shutting down":        {t.Context(), server(1053), []error{engine.ErrUnavailable}, nil},
		"lock wait":            {t.Context(), server(1205), []error{engine.ErrUnavailable}, nil},
		"deadlock":             {t.Context(), server(1213), []error{engine.ErrUnavailable}, nil},
		"read-only":            {t.Context(), server(1290), []error{engine.ErrUnavailable}, nil},
		"killed":               {t.Context(), server(1927), []error{engine.ErrUnavailable}, nil},
		"no such table":        {t.Context(), server(1146), nil, engine.ErrUnavailable},
		"access denied":        {t.Context(), server(1045), nil, engine.ErrUnavailable},
		"too long":             {t.Context(), server(1406), nil, engine.ErrUnavailable},
		"bad connection":       {t.Context(), driver.ErrBadConn, []error{engine.ErrUnavailable}, nil},
		"invalid connection":   {t.Context(), mysql.ErrInvalidConn, []error{engine.ErrUnavailable}, nil},
		"end of file": {t.Context(), fmt.Errorf("reading: %w", io.ErrUnexpectedEOF),
			[]error{engine.ErrUnavailable}, nil},
		"connection refused": {t.Context(), &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
			[]error{engine.ErrUnavailable}, nil},
		"busy":                  {t.Context(), sqlite3.BUSY, []error{engine.ErrUnavailable}, nil},
		"busy, extended":        {t.Context(), sqlite3.BUSY_SNAPSHOT, []error{engine.ErrUnavailable}, nil},
		"disk full":             {t.Context(), sqlite3.FULL, []error{engine.ErrUnavailable}, nil},
		"disk broken":           {t.Context(), sqlite3.IOERR_FSYNC, []error{engine.ErrUnavailable}, nil},
		"constraint":            {t.Context(), sqlite3.CONSTRAINT_NOTNULL, nil, engine.ErrUnavailable},
		"corrupt":               {t.Context(), sqlite3.CORRUPT, nil, engine.ErrUnavailable},
		"no such file":          {t.Context(), &fs.PathError{Err: syscall.ENOENT}, nil, engine.ErrUnavailable},
		"conflict":              {t.Context(), scripts.ErrConflict, nil, engine.ErrUnavailable},
		"cancelled":             {cancelled, context.Canceled, nil, engine.ErrUnavailable},
		"cancelled, SQLite":     {cancelled, sqlite3.INTERRUPT, []error{context.Canceled}, engine.ErrUnavailable},
		"cancelled, connection": {cancelled, mysql.ErrInvalidConn, []error{context.Canceled}, engine.ErrUnavailable},
		"cancelled, rollback":   {cancelled, sql.ErrTxDone, []error{context.Canceled}, engine.ErrUnavailable},
		"cancelled, but taken":  {cancelled, engine.ErrExists, nil, context.Canceled},
		"deadline":              {expired, context.DeadlineExceeded, []error{engine.ErrUnavailable}, nil},
		"deadline, SQLite": {expired, sqlite3.INTERRUPT, []error{engine.ErrUnavailable, context.DeadlineExceeded},
			nil},
		"deadline of ours": {t.Context(), context.DeadlineExceeded, []error{engine.ErrUnavailable}, nil},
	} {
		got := store.Classify(c.ctx, c.err)
		for _, want := range append(c.want, c.err) {
			if !errors.Is(got, want) {
				t.Errorf("%s: got %v, want it to match %v", name, got, want)
			}
		}
		if c.not != nil && errors.Is(got, c.not) {
			t.Errorf("%s: got %v, want it not to match %v", name, got, c.not)
		}
	}
	if err := store.Classify(t.Context(), nil); err != nil {
		t.Errorf("no error: got %v, want none", err)
	}
}

func TestClassifyRow(t *testing.T) {
	absent := errors.New("absent")
	for name, c := range map[string]struct {
		err, want error
	}{
		"no row":   {fmt.Errorf("reading: %w", gorm.ErrRecordNotFound), absent},
		"busy":     {sqlite3.BUSY, engine.ErrUnavailable},
		"no error": {nil, nil},
	} {
		if got := store.ClassifyRow(t.Context(), c.err, absent); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"registrar/internal/servertest"
	"registrar/store"
)

func TestMigrateGoesUpAndDown(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "registrar.db")
	for _, tt := range []struct{ args, want string }{
		{"", "from version 0 to"},
		{"", "already"},
		{fmt.Sprint("--to ", store.LatestVersion), "already"},
		{"--to 0 --yes", "to 0"},
		{"--to 0", "already has version 0"},
		{"--to 1", "from version 0 to 1"},
	} {
		args := append([]string{"migrate", "--database", database}, strings.Fields(tt.args)...)
		got := must(t, runHere(t, args...))
		if !strings.Contains(got.out, tt.want) {
			t.Errorf("migrate %s: got %q, want %q in it", tt.args, got.out, tt.want)
		}
		if lists := strings.Contains(got.err, "loses at least"); lists != strings.Contains(tt.args, "--yes") {
			t.Errorf("migrate %s: got %q on standard error", tt.args, got.err)
		}
	}
}

// Going down is confirmed on a terminal, or by --yes. Otherwise nothing changes.
func TestMigrateAsksBeforeItGoesDown(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "registrar.db")
	must(t, runHere(t, "migrate", "--database", database))
	down := func(c *console) result {
		t.Helper()
		var out, err bytes.Buffer
		c.out, c.err = &out, &err
		code := run(t.Context(), []string{"migrate", "--database", database, "--to", "1"}, c)
		return result{code, out.String(), err.String()}
	}
	newest := fmt.Sprint(store.LatestVersion)
	for answer, want := range map[string]int{"": exitFailed, "\n": exitFailed, "n\n": exitFailed,
		"yes?\n": exitFailed} {
		got := down(&console{in: strings.NewReader(answer), terminal: true, asks: true})
		if got.code != want || !strings.Contains(got.err, "Continue? [y/N] ") ||
			!strings.HasSuffix(got.err, "registrar: nothing was changed\n") {
			t.Errorf("the answer %q: exit code %d, want %d: %s", answer, got.code, want, got.err)
		}
	}
	got := down(&console{in: strings.NewReader("y\n"), terminal: true})
	if got.code != exitUsage || !strings.Contains(got.err, "nothing was changed; add --yes") ||
		strings.Contains(got.err, "Continue?") {
		t.Errorf("without a terminal: exit code %d: %s", got.code, got.err)
	}
	got = must(t, runHere(t, "migrate", "--database", database))
	if !strings.Contains(got.out, "already has version "+newest) {
		t.Errorf("after refusals: %s", got.out)
	}
	got = down(&console{in: strings.NewReader(" Yes \n"), terminal: true, asks: true})
	if got.code != exitDone || got.out != "migrated the schema from version "+newest+" to 1\n" {
		t.Errorf("the answer yes: exit code %d: %s%s", got.code, got.out, got.err)
	}
	for _, want := range []string{
		`^registrar: migrating ` + regexp.QuoteMeta(database) + ` from version ` + newest +
			` down to 1 loses at least\n`,
		`\n  replicas +0 rows\n`,
		`\n  clients\.retry_until +0 rows with a value\n`,
	} {
		if !regexp.MustCompile(want).MatchString(got.err) {
			t.Errorf("got\n%s\nwant a match of %s", got.err, want)
		}
	}
}

// A signal ends a command that waits for an answer.
func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	log := &servertest.Buffer{}
	ended := make(chan error, 1)
	go func() {
		_, err := (&console{in: in, err: log, asks: true}).ask(ctx, "Continue?")
		ended <- err
	}()
	for deadline := time.Now().Add(time.Minute); log.String() == "" && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestDescribeLoss(t *testing.T) {
	t.Parallel()
	for part, want := range map[store.LostPart]string{
		{Table: "replicas"}:                                          "0 rows",
		{Table: "replicas", Rows: 1}:                                 "1 row",
		{Table: "clients", Column: "acts", Rows: 12}:                 "12 rows with a value",
		{Table: "clients", Column: "acts", Rows: 1}:                  "1 row with a value",
		{Table: "clients", Column: "event", Rows: 12, Changed: true}: "12 rows changed",
	} {
		if got := countOf(part); got != want {
			t.Errorf("%+v: got %q, want %q", part, got, want)
		}
	}
	p := &textWriter{}
	describeLoss(p, &store.Loss{Database: "sqlite:x", From: 9, To: 8})
	if got := p.buffer.String(); got != "registrar: migrating sqlite:x from version 9 down to 8 loses at least\n  "+
		"nothing\n" {
		t.Errorf("got %q", got)
	}
}

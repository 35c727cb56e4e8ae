package lists

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kong"

	"registrar/store/storetest/mariadb"
)

// A short run measures each filter on both databases, and writes the table. The tables have more clients than the
// server looks for a page in, so that the bound is tried.
func TestShort(t *testing.T) {
	if _, err := mariadb.Program(mariadb.MariaDB); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	var c Command
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	markdown := filepath.Join(t.TempDir(), "growth.md")
	if _, err := parser.Parse([]string{"--short", "--markdown", markdown}); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(markdown)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"\n| none: `status=any` | first | 100 | 100 |",
		"\n| `name` of none | first | 0 | 10,000 |",
		"\n| `caller_network` of none | in the middle | 0 | "} {
		if !bytes.Contains(text, []byte(row)) {
			t.Errorf("%s is not in the table:\n%s", row, text)
		}
	}
	if got, want := bytes.Count(text, []byte("\n| ")), 2*len(filters(1))+1; got != want {
		t.Errorf("the table has %d rows, want %d:\n%s", got, want, text)
	}
}

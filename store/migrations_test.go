package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/store"
)

// migrationFiles returns the names of a dialect's migrations, in order.
func migrationFiles(t *testing.T, dialect string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("migrations", dialect, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

func readMigration(t *testing.T, dialect, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("migrations", dialect, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMigrationsAreTheSameInBothDialects(t *testing.T) {
	sqlite, mysql := migrationFiles(t, "sqlite"), migrationFiles(t, "mysql")
	if diff := cmp.Diff(sqlite, mysql); diff != "" {
		t.Fatalf("migrations of SQLite (-) and of MySQL (+):\n%s", diff)
	}
	if int64(len(sqlite)) != store.NewestMigration {
		t.Errorf("got %d migrations, but the newest one is %d", len(sqlite), store.NewestMigration)
	}
	for i, name := range sqlite {
		if prefix := fmt.Sprintf("%05d_", i+1); !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, ".sql") {
			t.Errorf("migration %s: want a name that begins with %s and ends with .sql", name, prefix)
		}
		a, b := leastProgram(readMigration(t, "sqlite", name)), leastProgram(readMigration(t, "mysql", name))
		if a != b {
			t.Errorf("migration %s: least_program is %d in SQLite and %d in MySQL", name, a, b)
		}
		diff := cmp.Diff(declared(readMigration(t, "sqlite", name)), declared(readMigration(t, "mysql", name)))
		if diff != "" {
			t.Errorf("migration %s: what is lost in SQLite (-) and in MySQL (+):\n%s", name, diff)
		}
	}
}

// Each schema works with programs of the version before.
func TestMigrationsWorkWithPreviousProgram(t *testing.T) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		for i, name := range migrationFiles(t, dialect)[1:] {
			for _, breach := range breaches(int64(i)+2, readMigration(t, dialect, name)) {
				t.Errorf("migrations/%s/%s: %s", dialect, name, breach)
			}
		}
	}
}

// The tests of storetest compare what a Down part drops and changes with what it declares, as far as they have rows of
// the kind. So statements that change rows need a declaration in any case.
func TestMigrationsDeclareChanges(t *testing.T) {
	for _, dialect := range []string{"sqlite", "mysql"} {
		for _, name := range migrationFiles(t, dialect) {
			for _, s := range undeclared(readMigration(t, dialect, name)) {
				t.Errorf("migrations/%s/%s: %q: write -- changes TABLE.COLUMN or -- loses TABLE before it", dialect,
					name, s)
			}
		}
	}
}

func TestUndeclared(t *testing.T) {
	for down, want := range map[string][]string{
		"UPDATE schema_requirements SET least_program = 1;":                     nil,
		"-- changes clients.event where event = 'x'\nUPDATE clients SET a = 1;": nil,
		"-- loses clients\nDELETE FROM clients;":                                nil,
		"UPDATE clients SET a = 1;":                                             {"UPDATE CLIENTS SET A = 1"},
		"-- changes modules.name\nUPDATE clients SET a = 1;":                    {"UPDATE CLIENTS SET A = 1"},
		"delete from clients where a = 1;":                                      {"DELETE FROM CLIENTS WHERE A = 1"},
		"REPLACE INTO clients SELECT 1;":                                        {"REPLACE INTO CLIENTS SELECT 1"},
		"INSERT INTO clients SELECT 1;":                                         nil, // adds rows only
	} {
		if diff := cmp.Diff(want,
			undeclared("-- +goose Up\nUPDATE a SET b = 1;\n-- +goose Down\n"+down+"\n")); diff != "" {
			t.Errorf("%s: want (-) and got (+):\n%s", down, diff)
		}
	}
}

func TestBreaches(t *testing.T) {
	const (
		unusedSince2   = "-- since program 2: nothing uses it\n"
		least2         = "UPDATE schema_requirements SET least_program = 2;\n"
		dropsColumn    = "ALTER TABLE clients DROP COLUMN previous;\n"
		beginning, end = "-- A comment; DROP TABLE clients.\n-- +goose Up\n", "\n-- +goose Down\nDROP TABLE clients;\n"
	)
	for name, c := range map[string]struct {
		up   string // of version 3
		want []string
	}{
		"a table": {
			"CREATE TABLE t (a INTEGER NOT NULL);\nCREATE UNIQUE INDEX u ON t (a);\n" +
				"ALTER TABLE t ADD b INTEGER NOT NULL;",
			nil,
		},
		"a column that may be NULL": {"ALTER TABLE clients ADD COLUMN a TEXT;", nil},
		"a column with a default": {
			"ALTER TABLE clients\n    ADD COLUMN a DECIMAL(1, 2) NOT NULL DEFAULT 0,\n    ADD b TEXT NULL;",
			nil,
		},
		"an index": {
			"CREATE INDEX i ON clients (event);\nALTER TABLE clients ADD KEY k (event), DROP INDEX j;\nDROP INDEX l;",
			nil,
		},
		"a column that nothing uses": {unusedSince2 + dropsColumn + least2, nil},
		"a column dropped":           {dropsColumn, []string{"drops a column"}},
		"a column dropped, in MySQL": {
			"alter table clients add column a text, drop previous;",
			[]string{"drops a column"},
		},
		"a column renamed":          {"ALTER TABLE clients RENAME COLUMN previous TO before;", []string{"renames"}},
		"a table renamed":           {"ALTER TABLE clients RENAME TO customers;", []string{"renames"}},
		"a table renamed, in MySQL": {"RENAME TABLE clients TO customers;", []string{"renames"}},
		"a table dropped":           {"DROP TABLE IF EXISTS modules;", []string{"drops a table"}},
		"a column modified": {
			"ALTER TABLE clients MODIFY event VARCHAR(8) NOT NULL;",
			[]string{"changes a column"},
		},
		"a column changed": {
			"ALTER TABLE clients CHANGE event what VARCHAR(32) NOT NULL;",
			[]string{"changes a column"},
		},
		"no default": {
			"ALTER TABLE clients ADD COLUMN a BIGINT NOT NULL;",
			[]string{"without a DEFAULT"},
		},
		"no default, in the second": {
			"ALTER TABLE clients ADD a BIGINT NOT NULL DEFAULT 1, ADD b BIGINT NOT NULL;",
			[]string{"without a DEFAULT"},
		},
		"several columns at once": {
			"ALTER TABLE clients ADD COLUMN (a INT NOT NULL, b INT DEFAULT 1);",
			[]string{"in parentheses"},
		},
		"a unique index": {"CREATE UNIQUE INDEX u ON clients (event);", []string{"adds a constraint"}},
		"a unique index, in MySQL": {
			"ALTER TABLE clients ADD UNIQUE KEY u (event);",
			[]string{"adds a constraint"},
		},
		"a unique index of a new column that may be NULL": {
			"ALTER TABLE clients ADD a TEXT, ADD b INT NOT NULL DEFAULT 0;\n" +
				"CREATE UNIQUE INDEX u ON clients (a COLLATE RTRIM);",
			nil,
		},
		"a unique index of a new column with a default": {
			"ALTER TABLE clients ADD COLUMN a TEXT NOT NULL DEFAULT '';\nCREATE UNIQUE INDEX u ON clients (a);",
			[]string{"adds a constraint"},
		},
		"two in a line":            {"ALTER TABLE clients ADD a TEXT; " + dropsColumn, []string{"drops a column"}},
		"the comment is another's": {unusedSince2 + least2 + dropsColumn, []string{"drops a column"}},
		"unused since this version": {
			"-- since program 3: nothing uses it\n" + dropsColumn + least2,
			[]string{"must be earlier", "least_program"},
		},
		"no least_program": {unusedSince2 + dropsColumn, []string{"least_program"}},
		"least_program too small": {
			unusedSince2 + dropsColumn + "UPDATE schema_requirements SET least_program = 1;",
			[]string{"least_program"},
		},
		"least_program too large": {
			"UPDATE schema_requirements SET least_program = 3;",
			[]string{"the version before"},
		},
	} {
		got := breaches(3, beginning+c.up+end)
		if !slices.EqualFunc(got, c.want, strings.Contains) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

var (
	since        = regexp.MustCompile(`(?m)^-- since program (\d+): .`)
	requirements = regexp.MustCompile(`(?i)UPDATE\s+schema_requirements\s+SET\s+least_program\s*=\s*(\d+)`)
)

// leastProgram returns the least_program that a migration sets, 0 if it sets none.
func leastProgram(text string) (version int64) {
	up, _, _ := strings.Cut(text, "-- +goose Down")
	for _, match := range requirements.FindAllStringSubmatch(up, -1) {
		version, _ = strconv.ParseInt(match[1], 10, 64)
	}
	return version
}

// breaches returns the reasons why a migration to a version may break the program of the version before. A statement
// that removes or changes something needs a comment directly before it that names the version since which programs no
// longer use that:
//
//	-- since program 2: nothing reads clients.previous
//	ALTER TABLE clients DROP COLUMN previous;
//	UPDATE schema_requirements SET least_program = 2;
func breaches(version int64, text string) (found []string) {
	least, created := leastProgram(text), map[string]bool{}
	_, up, _ := strings.Cut(text, "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	for _, s := range statementsOf(up) {
		harm := harmOf(s.words, created)
		if harm == "" {
			continue
		}
		match := since.FindStringSubmatch(s.comments)
		if match == nil {
			found = append(found, fmt.Sprintf("%q %s: write -- since program N: reason before it", s.words, harm))
			continue
		}
		unused, _ := strconv.ParseInt(match[1], 10, 64)
		if unused >= version {
			found = append(found,
				fmt.Sprintf("%q: program %d must be earlier than schema %d", s.words, unused, version))
		}
		if least < unused {
			found = append(found, fmt.Sprintf("%q: set least_program to at least %d, not %d", s.words, unused, least))
		}
	}
	if least >= version {
		found = append(found,
			fmt.Sprintf("schema %d must work with the program of the version before, not only with %d",
				version, least))
	}
	return found
}

// losses matches what a Down part declares; see lossLine in loss.go.
var losses = regexp.MustCompile(`(?m)^-- (?:loses|changes) (\w+).*$`)

// declared returns what the Down part of a migration declares.
func declared(text string) []string {
	_, down, _ := strings.Cut(text, "-- +goose Down")
	return losses.FindAllString(down, -1)
}

// undeclared returns the statements of a Down part that change or remove rows of a table of which the comments before
// the statement declare nothing.
func undeclared(text string) (found []string) {
	_, down, _ := strings.Cut(text, "-- +goose Down")
	for _, s := range statementsOf(down) {
		words := strings.Fields(s.words)
		table := ""
		switch {
		case len(words) > 1 && words[0] == "UPDATE":
			table = words[1]
		case len(words) > 2 && (words[0] == "DELETE" || words[0] == "REPLACE"): // FROM, INTO
			table = words[2]
		}
		named := slices.ContainsFunc(losses.FindAllStringSubmatch(s.comments, -1), func(m []string) bool {
			return strings.EqualFold(m[1], table)
		})
		if table != "" && table != "SCHEMA_REQUIREMENTS" && !named {
			found = append(found, s.words)
		}
	}
	return found
}

// A migrationStatement is an SQL statement, in upper case with single spaces, and the comments directly before it.
type migrationStatement struct{ comments, words string }

// statementsOf returns the statements of a part of a migration. It does not handle strings with semicolons.
func statementsOf(part string) (list []migrationStatement) {
	var s migrationStatement
	for line := range strings.Lines(part) {
		code, comment, commented := strings.Cut(line, "--")
		if commented {
			s.comments += "--" + comment
		}
		for rest, ended := code, true; ended; {
			code, rest, ended = strings.Cut(rest, ";")
			s.words = strings.Join(strings.Fields(s.words+" "+strings.ToUpper(code)), " ")
			if ended {
				list, s = append(list, s), migrationStatement{}
			}
		}
	}
	return list
}

// harmOf returns how a statement may break programs, "" if it does not. created are the tables that the same migration
// created, and the columns that it added and that are NULL by default, as TABLE.COLUMN.
func harmOf(words string, created map[string]bool) string {
	parts := strings.Fields(strings.ReplaceAll(words, "(", " ("))
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch at(0) + " " + at(1) {
	case "CREATE TABLE":
		created[at(2)] = true
	case "DROP TABLE":
		return "drops a table"
	case "RENAME TABLE":
		return "renames"
	case "CREATE UNIQUE":
		if !created[at(5)] && !mayBeNull(words, created) { // CREATE UNIQUE INDEX name ON table
			return "adds a constraint"
		}
	case "ALTER TABLE":
		if created[at(2)] {
			return ""
		}
		for _, clause := range clausesOf(strings.Join(parts[3:], " ")) {
			if harm := harmOfClause(clause); harm != "" {
				return harm
			}
			column := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(clause), "ADD "), "COLUMN "))
			if !strings.Contains(clause, "NOT NULL") && !strings.Contains(clause, " DEFAULT ") {
				created[at(2)+"."+column[0]] = true
			}
		}
	}
	return ""
}

// mayBeNull reports whether a statement makes an index of a column that the same migration added and that may be NULL.
// Programs that do not know the column leave it NULL, and a unique index ignores that.
func mayBeNull(words string, created map[string]bool) bool {
	before, columns, _ := strings.Cut(words, "(")
	parts := strings.Fields(before)
	column, _, _ := strings.Cut(strings.TrimSuffix(columns, ")"), " ")
	return created[parts[len(parts)-1]+"."+column]
}

// clausesOf splits s at the commas outside of parentheses.
func clausesOf(s string) []string {
	depth := 0
	separated := strings.Map(func(r rune) rune {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			return '\n'
		}
		return r
	}, s)
	return strings.Split(separated, "\n")
}

// harmOfClause is harmOf for a clause of ALTER TABLE.
func harmOfClause(clause string) string {
	verb, object, _ := strings.Cut(strings.TrimSpace(clause), " ")
	object = strings.TrimPrefix(object, "COLUMN ")
	kind, _, _ := strings.Cut(object, " ")
	index := slices.Contains([]string{"INDEX", "KEY", "FULLTEXT", "SPATIAL"}, kind)
	constraint := slices.Contains([]string{"UNIQUE", "PRIMARY", "CONSTRAINT", "FOREIGN", "CHECK"}, kind)
	switch verb {
	case "DROP":
		if !index && !constraint {
			return "drops a column"
		}
	case "RENAME":
		if !index {
			return "renames"
		}
	case "MODIFY", "CHANGE", "ALTER":
		return "changes a column"
	case "ADD":
		switch {
		case index:
		case constraint:
			return "adds a constraint"
		case strings.HasPrefix(object, "("):
			return "adds columns in parentheses, which this test does not read"
		case strings.Contains(object, "NOT NULL") && !strings.Contains(object, " DEFAULT "):
			return "adds a column that is NOT NULL without a DEFAULT"
		}
	}
	return ""
}

package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/store"
)

// previous builds the program of the version before of the same source: without the newest migration, and without what
// that brought.
var previous = sync.OnceValues(func() (string, error) { return build("registrar-previous", "-tags=previousschema") })

// latest and before are the versions of the program under test and of the one before.
const latest, before = store.LatestVersion, store.LatestVersion - 1

// openDatabase opens the database of a --database flag without the program.
func openDatabase(t *testing.T, folder, flag string) *sql.DB {
	t.Helper()
	driver, dsn, _ := strings.Cut(strings.TrimPrefix(flag, "--database="), ":")
	if driver == "sqlite" {
		driver, dsn = "sqlite3", "file:"+folder+"/"+dsn
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// complains reports whether the log of a server has a warning or an error, but that it was not ready: the machine may
// be slow.
func (p *process) complains() bool {
	for line := range strings.Lines(p.log.String()) {
		var record struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &record, json.MatchCaseInsensitiveNames(true)) != nil ||
			(record.Level == "WARN" || record.Level == "ERROR") && record.Msg != "not ready" {
			return true
		}
	}
	return false
}

func TestServersAreReplacedOneByOne(t *testing.T) { onEachBackend(t, testServersAreReplacedOneByOne) }

// Servers are replaced one by one, and back, while clients use them: no request fails, and none is forgotten.
func testServersAreReplacedOneByOne(t *testing.T, flag string) {
	path, err := previous()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	startOld := func() *process { t.Helper(); return startProgram(t, path, folder, flag) }
	startNew := func() *process { t.Helper(); return start(t, folder, flag) }
	stop := func(p *process) {
		t.Helper()
		if code := p.stop(); code != exitDone || p.complains() {
			t.Errorf("exit code %d:\n%s", code, p.log)
		}
	}
	if got := must(t, runProgram(t, path, folder, nil, "migrate", flag)).out; got !=
		fmt.Sprintf("migrated the schema from version 0 to %d\n", before) {
		t.Fatalf("the program of the version before: %s", got)
	}

	// The old program serves by itself, on the schema of its version: it misses nothing there.
	a := startOld()
	must(t, a.command("replica", "list"))
	stop(a)
	a = startOld()
	traffic := startTraffic(t, 2, a)
	traffic.await(10)
	must(t, a.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))

	// The new one migrates, and both serve.
	b := startNew()
	if line := b.logged("migrated the database"); line == nil || line["from"] != float64(before) ||
		line["to"] != float64(latest) {
		t.Errorf("the new server logged %v", line)
	}
	traffic.lead(a, b)
	traffic.await(10)
	var registered []string
	scripted := func(p *process, want bool) {
		t.Helper()
		eventually(t, fmt.Sprint("the script is in force: ", want), func() bool {
			id := p.register(minimal).ClientID
			registered = append(registered, id)
			return strings.HasPrefix(id, "acme-") == want
		})
	}
	scripted(b, true)
	must(t, b.command("script", "deploy", servertest.File(t, "none.json", `{"scripts":[]}`)))
	scripted(a, false)
	if d := answer[scripts.Deployment](t, a, "script", "rollback", "1"); d.Number != 3 {
		t.Errorf("got %+v, want deployment 3", d)
	}
	scripted(b, true)

	// The old one restarts on the new schema, which it does not migrate.
	traffic.lead(b)
	stop(a)
	r := runProgram(t, path, folder, nil, "migrate", flag)
	if want := fmt.Sprintf("version %d, but this program has migrations up to %d: migrate with a later registrar",
		latest, before); r.code != exitFailed || !strings.Contains(r.err, want) {
		t.Errorf("the old program migrates: exit code %d, %s", r.code, r.err)
	}
	must(t, runProgram(t, path, folder, nil, "check", flag, "--listen=127.0.0.1:0",
		"--admin-listen=127.0.0.1:0"))
	a = startOld()
	a.wantReady()
	traffic.lead(a, b)
	traffic.await(10)

	// The new one is taken back, and the old one goes on.
	traffic.lead(a)
	stop(b)
	r = must(t, runBinary(t, folder, "migrate", flag, fmt.Sprint("--to=", before), "--yes"))
	if want := fmt.Sprintf("migrated the schema from version %d to %d\n", latest, before); r.out != want ||
		!strings.Contains(r.err, fmt.Sprintf("from version %d down to %d loses at least\n  ", latest, before)) {
		t.Errorf("got %s and %s", r.out, r.err)
	}
	traffic.await(10)
	a.wantReady()

	// At last, the new one takes its place.
	b = startNew()
	traffic.lead(a, b)
	traffic.await(10)
	traffic.lead(b)
	stop(a)
	traffic.await(10)
	traffic.verify(b, registered...)
}

func TestProgramTooOldForTheSchema(t *testing.T) { onEachBackend(t, testProgramTooOldForTheSchema) }

// A program that is too old for the schema does not start, and one that runs says so.
func testProgramTooOldForTheSchema(t *testing.T, flag string) {
	path, err := previous()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	p := start(t, folder, flag)
	old := startProgram(t, path, folder, flag)
	old.wantReady()
	db := openDatabase(t, folder, flag)
	require := func(version int64) {
		t.Helper()
		if _, err := db.Exec(fmt.Sprint("UPDATE schema_requirements SET least_program = ", version)); err != nil {
			t.Fatal(err)
		}
	}
	require(latest)
	reason := fmt.Sprintf("it has version %d and works with programs of version %d or later, "+
		"but this program has version %d: run a registrar of at least that version", latest, latest, before)
	old.wantUnready(reason)
	eventually(t, "the log tells", func() bool {
		line := old.logged("not ready")
		return line != nil && strings.Contains(line["error"].(string), reason)
	})
	for _, command := range []string{"serve", "check"} {
		args := []string{command, flag, "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}
		if r := runProgram(t, path, folder, nil, args...); r.code != exitFailed || !strings.Contains(r.err, reason) {
			t.Errorf("%s of the old program: exit code %d: %s", command, r.code, r.err)
		}
	}
	p.wantReady()
	require(1)
	old.wantReady()
}

// Going down is confirmed after what is lost was counted, and the servers that run were named.
func TestMigrateDownSaysWhatIsLost(t *testing.T) {
	onEachBackend(t, func(t *testing.T, flag string) {
		folder := t.TempDir()
		p := start(t, folder, flag)
		for range 3 {
			p.register(minimal)
		}
		down := []string{"migrate", flag, "--to=0"}
		r := runBinary(t, folder, down...)
		if r.code != exitUsage || !strings.Contains(r.err, "nothing was changed; add --yes") {
			t.Errorf("without --yes: exit code %d: %s", r.code, r.err)
		}
		for _, want := range []string{`  clients +3 rows\n`, `  modules +0 rows\n`, `  replicas +1 row\n`,
			`  ` + regexp.QuoteMeta(strings.TrimPrefix(p.admin, "http://")) + ` +\S+`} {
			if !regexp.MustCompile(want).MatchString(r.err) {
				t.Errorf("got\n%s\nwant a match of %s", r.err, want)
			}
		}
		p.wantReady()

		const prompt = "Continue? [y/N] "
		code, printed := onTerminal(t, folder, prompt, "n\n", down...)
		if code != exitFailed || !strings.Contains(printed, "nothing was changed") ||
			!strings.Contains(printed, prompt) {
			t.Errorf("the answer no: exit code %d: %s", code, printed)
		}
		p.wantReady()
		if got := p.register(minimal); got.status != http.StatusCreated {
			t.Errorf("registering: got %+v", got)
		}
		code, printed = onTerminal(t, folder, prompt, "y\n", down...)
		if code != exitDone || !regexp.MustCompile(`  clients +4 rows\n`).MatchString(printed) ||
			!strings.HasSuffix(printed, fmt.Sprintf("migrated the schema from version %d to 0\n", latest)) {
			t.Errorf("the answer yes: exit code %d: %s", code, printed)
		}
		p.wantUnready(fmt.Sprintf("it has version 0, but this program needs %d: run registrar migrate", latest))
		must(t, runBinary(t, folder, "migrate", flag))
		p.wantReady()
	})
}

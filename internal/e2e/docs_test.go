package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/store/storetest"
)

// A page says how the command blocks of a page of the documentation are run. The blocks fenced as sh are one session,
// in a folder of the page's own with the program on PATH. Blocks fenced as console are shown, and not run.
type page struct {
	before string   // shell that prepares the folder
	tree   bool     // the folder is a copy of the source tree
	fresh  bool     // the session is root's, on a fresh machine with systemd; its folder has registrar and deploy
	mysql  bool     // the page's mysql: database is an empty one of a real server
	needs  []string // programs that the project's tests install
	notRun []string // why each console block cannot run, in their order
	says   []string // what the output must hold
}

const (
	// aServer starts a server on a new SQLite database in the page's folder.
	aServer = "set -m\nregistrar serve > serve.log 2>&1 &\nserver=$!\nset +m\n" + untilHealthy
	// aProject makes the project of a script, policy, and builds it.
	aProject = "registrar script new --lang go policy > /dev/null\nmake -s -C policy\n"
	// twoClients registers clients, of which one is what a policy of these pages refuses.
	twoClients = `for host in app.example elsewhere.example; do
  curl -sSf -o /dev/null -H 'Content-Type: application/json' \
    -d "{\"redirect_uris\":[\"https://$host/cb\"]}" http://127.0.0.1:8080/register
done
`
	// keysAway lets check exit with 1, but not with 2: the issuers of the page have no keys that the test can read.
	keysAway = `registrar() { command registrar "$@" || [ "$1 $?" = "check 1" ]; }
`
	// asService installs the unit, with the default configuration.
	asService = `install -m 755 registrar /usr/local/bin/registrar
install -m 644 deploy/registrar.service /etc/systemd/system/registrar.service
systemctl daemon-reload
mkdir -p /etc/registrar
echo 'drain: 0s' > /etc/registrar/registrar.yaml
`
	// compilers is where the project's tests install the compiler of AssemblyScript.
	compilers = "sdk/assemblyscript/node_modules/.bin"
	// endServer ends the server that was started last, if any. It has a process group of its own: go run has a child.
	endServer = "if [ -n \"$server\" ]; then kill -- -$server; wait $server || true; fi\n"
	// untilHealthy waits for the server that was started last, and fails where it has ended.
	untilHealthy = `{ set +x; } 2> /dev/null
until registrar health > /dev/null 2>&1; do kill -0 $server; sleep 0.1; done
set -x
`
)

// pages are the pages that hold commands.
var pages = map[string]page{
	"README.md": {
		tree:   true,
		mysql:  true,
		needs:  []string{"go", "curl"},
		notRun: []string{"docker compose needs a container engine; TestDockerfile runs the image's build"},
		says: []string{`"client_id"`, "3 passed, 0 failed", "deployment 1 is in force",
			"https://other.example/cb is not allowed here", "deployment 2 is in force"},
	},
	"docs/admins.md": {
		before: aServer,
		says:   []string{"deploys of CI", "revoked first-start", "Ada too has the role admin"},
	},
	"docs/check.md": {
		says: []string{"note     there is no admin token", "What would be open to whom"},
	},
	"docs/clients.md": {
		before: aServer,
		needs:  []string{"openssl"},
		notRun: []string{"it shows a client of another server"},
		says:   []string{"CLIENT ID", `"client_id": "reports-2"`, "enabled reports-2", "would disable 2 clients"},
	},
	"docs/documents.md": {
		needs: []string{"curl"},
		says:  []string{"/register"},
	},
	"docs/metadata-documents.md": {
		before: "export REGISTRAR_METADATA_DOCUMENTS=true\n" + aServer,
		notRun: []string{"a metadata document is fetched over https from a public address"},
		says: []string{"pinned https://app.example/client.json: sha256:", "pinned since", "MEMBERS",
			"unpinned https://app.example/client.json"},
	},
	"docs/http.md": {
		before: aServer,
		needs:  []string{"curl"},
		says:   []string{`"registration_access_token"`, `"clients":[`},
	},
	"docs/databases.md": {
		mysql: true,
		notRun: []string{"TestBackupOfMariaDB runs it, while clients register",
			"TestBackupOfMariaDB runs it, into another database"},
		says: []string{"https://register.example"},
	},
	"docs/operations.md": {
		fresh:  true,
		needs:  []string{"curl", "openssl", "sqlite3", "nginx"},
		notRun: []string{"docker compose needs a container engine; TestImageWithoutRights runs the program as it does"},
		says: []string{"What would be open to whom", "Status: \"ready\"", "uses left", `"client_id"`, "healthy",
			"registrar_deployment_loaded 1", "  Example  ", "schema"},
	},
	"docs/runbooks.md": {
		fresh: true,
		before: asService + "systemctl start registrar\n" +
			"until journalctl -u registrar | grep -q msg=listening; do sleep 0.1; done\n",
		needs: []string{"curl", "sqlite3"},
		says:  []string{"Status: \"ready\"", "msg=listening", "\nok\n"},
	},
	"docs/upgrade.md": {
		says: []string{"down to 1 loses at least\n  documents ",
			"  clients.retry_until       0 rows with a value\n"},
	},
	"docs/javascript.md": {
		before: aServer,
		needs:  []string{"curl"},
		says: []string{"3 passed, 0 failed", "deployment 1 is in force", "https://other.example/cb is not allowed here",
			"export function set_redirect_uris"},
	},
	"docs/performance-notes.md": {
		notRun: []string{"make bench takes 13 minutes of an idle machine; the tests of bench run every part briefly"},
	},
	"docs/performance-scripts.md": {
		notRun: []string{"benchmarks take minutes; go vet ./... compiles them"},
	},
	"docs/replay.md": {
		before: aServer + aProject + twoClients + "cp policy/policy.wasm policy.wasm\n",
		needs:  []string{"go", "make", "curl"},
		says:   []string{"2 registrations: 1 the same, 0 changed, 1 refused, 0 failed", "is not allowed here"},
	},
	"docs/rollout.md": {
		before: aServer + aProject +
			"cp policy/policy.wasm policy.wasm\ncp \"$TREE\"/testdata/wasm/prefix-id.wasm ids.wasm\n",
		needs: []string{"go", "make"},
		says:  []string{"deployment 6 is in force"},
	},
	"docs/script-test.md": {
		before: aProject,
		needs:  []string{"go", "make"},
		says:   []string{"3 passed, 0 failed"},
	},
	"docs/sdk.md": {
		before: aServer,
		needs:  []string{"go", "make", "clang", "wasm-ld"},
		notRun: []string{"Emscripten is not installed for the tests; its conformance module is committed"},
		says:   []string{"set_redirect_uris", "3 passed, 0 failed", "deployment 1 is in force"},
	},
	"docs/sdk-assemblyscript.md": {
		needs: []string{"make", compilers + "/asc"},
		says:  []string{"3 passed, 0 failed"},
	},
	"docs/sdk-rust.md": {
		needs: []string{"make", "/usr/bin/cargo", "/usr/bin/rustc"},
		says:  []string{"3 passed, 0 failed", `"acme-`},
	},
	"docs/signing.md": {
		before: "cp \"$TREE\"/testdata/wasm/prefix-id.wasm ids.wasm\n",
		needs:  []string{"minisign"},
		says:   []string{"deployment 1 is in force"},
	},
	"docs/tokens.md": {
		before: aServer + keysAway,
		needs:  []string{"curl"},
		says: []string{"uses left", `"client_id"`, "CI, team blue", "https://register.example",
			"the keys cannot be read"},
	},
	"docs/walkthrough.md": {
		needs: []string{"go", "make", "curl"},
		says:  []string{"3 passed, 0 failed", "invalid_redirect_uri", "deployment 3 is in force"},
	},
}

// TestDocumentedCommands runs the commands of README.md and docs as they stand; only the ports are free ones.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, path := range documents(t, "README.md", "docs") {
		blocks := blocksOf(t, path)
		p, listed := pages[path]
		shown, run := 0, 0
		for _, b := range blocks {
			switch b.language {
			case "":
				t.Errorf("%s:%d: the block has no language: sh is run, console needs a reason in pages, text is for "+
					"what is no command", path, b.line)
			case "sh":
				run++
			case "console":
				shown++
			}
		}
		if shown != len(p.notRun) {
			t.Errorf("%s has %d console blocks, and pages has %d reasons why they are not run", path, shown,
				len(p.notRun))
		}
		found[path] = run > 0 || shown > 0
		if found[path] && !listed {
			t.Errorf("%s has commands, and is not in pages", path)
		}
		if run > 0 && listed {
			t.Run(path, func(t *testing.T) {
				t.Parallel()
				if p.fresh {
					p.runFresh(t, path, blocks)
					return
				}
				p.run(t, path, blocks)
			})
		}
	}
	for path := range pages {
		if !found[path] {
			t.Errorf("%s is in pages, and has no commands", path)
		}
	}
}

// run runs the sh blocks of a page in one shell.
func (p page) run(t *testing.T, path string, blocks []block) {
	needs(t, p.needs...)
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir() // where the program is called as its users call it
	if err := os.Symlink(program, filepath.Join(bin, "registrar")); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if p.tree {
		copyTree(t, folder)
	}
	public, admin := freePort(t), freePort(t)
	replacements := []string{":8080", portOf(public), ":8081", portOf(admin)}
	if p.mysql {
		replacements = append(replacements, "mysql:registrar:registrar@tcp(127.0.0.1:3306)/registrar",
			"mysql:"+storetest.MySQL(t))
	}

	var script strings.Builder
	script.WriteString("set -eu -o pipefail\nserver=\ntrap '" + strings.TrimSpace(endServer) + "' EXIT\n" + p.before +
		"\nset -x\n")
	for _, b := range blocks {
		if b.language == "sh" {
			fmt.Fprintf(&script, ": %s:%d\n%s", path, b.line, b.shell())
		}
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "output")) // a file: the server, too, holds it
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	tree := wasmtest.Root()
	asc := filepath.Join(tree, compilers)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a loop of a page may wait for what does not come
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", strings.NewReplacer(replacements...).Replace(script.String()))
	shell.Dir, shell.Stdout, shell.Stderr = folder, out, out
	shell.Env = append(os.Environ(), "PATH="+strings.Join([]string{bin, asc, os.Getenv("PATH")}, ":"),
		"REGISTRAR_LISTEN="+public, "REGISTRAR_ADMIN_LISTEN="+admin, "TREE="+tree,
		// A reader's shell, not that of the make that runs this test. What is compiled without paths is in Go's cache.
		"MAKEFLAGS=", "GOFLAGS=-trimpath",
		"CARGO=/usr/bin/cargo", "RUSTC=/usr/bin/rustc", "ASC="+filepath.Join(asc, "asc")) // and as if npm ci had run
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the server ends with it
	shell.Cancel, shell.WaitDelay = func() error { return shell.Process.Signal(syscall.SIGTERM) },
		10*time.Second // it ends the server
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	err = shell.Wait()
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
	said, _ := os.ReadFile(out.Name())
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "serve.log"))
		t.Fatalf("%v:\n%s\nthe server's log:\n%s", err, said, log)
	}
	p.checkOutput(t, string(said))
}

// checkOutput checks what a session has printed.
func (p page) checkOutput(t *testing.T, said string) {
	t.Helper()
	for _, want := range p.says {
		if !strings.Contains(said, want) {
			t.Errorf("the output lacks %q:\n%s", want, said)
		}
	}
}

// runFresh runs the sh blocks of a page in one shell on a fresh machine.
func (p page) runFresh(t *testing.T, path string, blocks []block) {
	needs(t, p.needs...)
	folder := t.TempDir()
	installable(t, folder)
	var script strings.Builder
	script.WriteString("set -eu -o pipefail\n" + p.before + "set -x\n")
	for _, b := range blocks {
		if b.language == "sh" {
			fmt.Fprintf(&script, ": %s:%d\n%s", path, b.line, b.code)
		}
	}
	said, code := inMachine(t, folder, script.String())
	if code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, said)
	}
	p.checkOutput(t, said)
}

// A block is a fenced block of a Markdown text.
type block struct {
	language, code string
	line           int // of the fence, from 1
}

// foregroundServe matches a block that ends with a server in the foreground, which has a reader's terminal to itself.
var foregroundServe = regexp.MustCompile(`(?m)^(\S*registrar|go run \.) serve(.*\\\n)*[^&\n]*\n\z`)

// shell returns the block as the session runs it: a server in the foreground takes the place of the one before it, and
// is waited for.
func (b block) shell() string {
	if !foregroundServe.MatchString(b.code) {
		return b.code
	}
	return endServer + "set -m\n{\n" + b.code + "} > serve.log 2>&1 &\nserver=$!\nset +m\n" + untilHealthy
}

// blocksOf returns the fenced blocks of a file.
func blocksOf(t *testing.T, path string) (blocks []block) {
	t.Helper()
	_, blocks = parseMarkdown(t, path)
	return blocks
}

// parseMarkdown divides a file into the text outside of fenced blocks and the blocks.
func parseMarkdown(t *testing.T, path string) (text string, blocks []block) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var outside strings.Builder
	inside, number := false, 0
	for line := range strings.Lines(string(b)) {
		number++
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && !inside:
			blocks = append(blocks, block{language: fence, line: number})
			inside = true
		case isFence:
			inside = false
		case inside:
			blocks[len(blocks)-1].code += line
		default:
			outside.WriteString(line)
		}
	}
	if inside {
		t.Errorf("%s:%d: the block does not end", path, blocks[len(blocks)-1].line)
	}
	return outside.String(), blocks
}

// documents returns the Markdown files that are named or are in folders that are named.
func documents(t *testing.T, roots ...string) (paths []string) {
	t.Helper()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
				paths = append(paths, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

var (
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// TestDocumentsLinkToWhatExists follows every relative link of the project's Markdown files, anchors included.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, documents(t, "docs", "sdk", "testdata/wasm")...)
	links := 0
	for _, file := range files {
		text, _ := parseMarkdown(t, file)
		for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(text, ""), -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			links++
			path, anchor, hasAnchor := strings.Cut(target, "#")
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), filepath.FromSlash(path))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s: %v", file, target, err)
			} else if hasAnchor && !anchors(t, to)[anchor] {
				t.Errorf("%s links to %s, which has no such heading; it has %s", file, target,
					slices.Sorted(maps.Keys(anchors(t, to))))
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// TestArchitectureNamesEveryPackage compares the table of packages in ARCHITECTURE.md with the packages of the module.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "registrar/")
		switch {
		case !ok, strings.HasPrefix(path, "sdk/go/"): // the program itself; what is for script authors
		case strings.HasPrefix(path, "store/storetest/"),
			strings.HasPrefix(path, "internal/wasmtest/"): // their row names them
		case !strings.Contains(string(text), "`"+path+"`"):
			t.Errorf("ARCHITECTURE.md does not name package %s", path)
		}
	}
}

// anchors returns the anchors that GitHub gives the headings of a Markdown file.
func anchors(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, _ := parseMarkdown(t, path)
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		for n := 0; ; n++ {
			numbered := anchor
			if n > 0 {
				numbered = fmt.Sprintf("%s-%d", anchor, n)
			}
			if !found[numbered] {
				found[numbered] = true
				break
			}
		}
	}
	return found
}

// freePort returns an address of this machine on which no server listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// portOf returns the port of an address, with the colon before it.
func portOf(address string) string { return address[strings.LastIndex(address, ":"):] }

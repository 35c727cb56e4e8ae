package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// needs skips the test if a program is missing, or fails it if CI is set.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// inProject runs a shell's commands in a script's project, without the caller's settings of Go and make, and returns
// what they print.
func (p *process) inProject(folder, commands string) string {
	p.t.Helper()
	compiler, err := filepath.Abs("sdk/assemblyscript/node_modules/.bin/asc") // instead of the project's own
	if err != nil {
		p.t.Fatal(err)
	}
	bin := p.t.TempDir()
	if err := os.Symlink(p.cmd.Path, filepath.Join(bin, "registrar")); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command("bash", "-euc", commands)
	cmd.Dir = folder
	// A project needs no network. A time limit must not end a slow test.
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOEXPERIMENT=", "GOTOOLCHAIN=local", "MAKEFLAGS=",
		"CARGO=/usr/bin/cargo", "RUSTC=/usr/bin/rustc", "ASC="+compiler, "REGISTRAR_SERVER="+p.admin,
		"REGISTRAR_SCRIPT_TIMEOUT=1m", "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v:\n%s", err, out)
	}
	return string(out)
}

// edit replaces a text in a file, wherever it is.
func edit(t *testing.T, file, before, after string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.ReplaceAll(string(b), before, after)
	if edited == string(b) {
		t.Fatalf("%s does not have %q", file, before)
	}
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A newcomer brings a script into force by the commands of its project's README, changes it, and begins another one.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lang      string
		compilers []string
		source    string // file of the script
	}{
		{"go", []string{"go"}, "main.go"},
		{"rust", []string{"/usr/bin/cargo", "/usr/bin/rustc"}, "src/lib.rs"},
		{"as", []string{"sdk/assemblyscript/node_modules/.bin/asc"}, "script.ts"},
		{"c", []string{"clang", "wasm-ld"}, "script.c"},
		{"ts", nil, "redirects.ts"},
		{"js", nil, "redirects.js"},
	} {
		t.Run(tt.lang, func(t *testing.T) {
			t.Parallel()
			// What is pushed of a project, and how to build it. Scripts in JavaScript and TypeScript are packed.
			build, extension := "make && ", ".wasm"
			if tt.compilers == nil {
				build, extension = "", "."+tt.lang
			} else {
				needs(t, append(tt.compilers, "make")...)
			}
			root := t.TempDir()
			first, second := filepath.Join(root, "redirects"), filepath.Join(root, "scopes")
			for _, folder := range []string{first, second} {
				r := must(t, runBinary(t, root, "script", "new", "--lang", tt.lang, folder))
				if !strings.Contains(r.out, folder) {
					t.Errorf("got %q, want the folder in it", r.out)
				}
			}
			p := start(t, first) // which is where README.md has the server started
			n := newcomer{t, p}

			readme := blocksOf(t, filepath.Join(first, "README.md"))[0].code
			if out := p.inProject(first, readme); !strings.Contains(out, "3 passed, 0 failed") ||
				!strings.Contains(out, "deployment 1 is in force: redirects") {
				t.Errorf("the commands of README.md print\n%s", out)
			}
			n.onlyAllowed("is not allowed here")
			frugal(t, first, filepath.Join(first, "redirects"+extension))

			// A new build keeps the config.
			edit(t, filepath.Join(first, tt.source), "is not allowed here", "is not on the list")
			out := p.inProject(first, build+"registrar script push redirects"+extension+" --deploy")
			if !strings.Contains(out, "its config is kept") {
				t.Errorf("pushing a new build prints\n%s", out)
			}
			n.onlyAllowed("is not on the list")

			// Another project is another script, and takes the place of the first only if told to.
			edit(t, filepath.Join(second, strings.Replace(tt.source, "redirects", "scopes", 1)),
				"set_redirect_uris", "set_scopes")
			out = p.inProject(second,
				build+"cd "+first+" && registrar script push "+second+"/scopes"+extension+" --deploy "+
					`--config-json '{"redirect_uris":["https://app.example/cb"]}'`)
			if !strings.Contains(out, "deployment 3 is in force: redirects, scopes") {
				t.Errorf("pushing another project prints\n%s", out)
			}
			push := []string{"script", "push", second + "/scopes" + extension, "--name=redirects", "--deploy"}
			if r := p.command(push...); r.code != exitFailed || !strings.Contains(r.err, "replaces set_redirect_uris") {
				t.Errorf("pushing it over the first: exit code %d: %s", r.code, r.err)
			}
			n.onlyAllowed("is not on the list")
			must(t, p.command(append(push, "--replace")...)) // deployment 4

			// The deployment before that is edited, compared, deployed, and taken back.
			out = p.inProject(first, `registrar script export 2 > deployment.json
sed -i 's,app.example/cb,app.example/new,' deployment.json
registrar script diff 2 deployment.json
registrar script deploy deployment.json --comment 'another URI'`)
			for _, want := range []string{`+ /scripts/redirects/config/redirect_uris/0: "https://app.example/new"`,
				"deployment 5 is in force: redirects\n"} {
				if !strings.Contains(out, want) {
					t.Errorf("editing the deployment prints\n%s\nwithout %s", out, want)
				}
			}
			if r := p.register(minimal); r.status != http.StatusBadRequest {
				t.Errorf("a redirect URI that is not in the edited config: %+v", r)
			}
			must(t, p.command("script", "rollback", "2"))
			n.onlyAllowed("is not on the list")
		})
	}
}

// A newcomer tries a server.
type newcomer struct {
	t *testing.T
	p *process
}

// onlyAllowed checks that a client with the redirect URI of the config registers, and no other, with this reason.
func (n *newcomer) onlyAllowed(reason string) {
	n.t.Helper()
	if r := n.p.register(minimal); r.status != http.StatusCreated {
		n.t.Errorf("an allowed redirect URI: %+v", r)
	}
	status, b := n.p.post(n.p.public+"/register", `{"redirect_uris":["https://app.example/other"]}`)
	if status != http.StatusBadRequest || !strings.Contains(string(b), reason) {
		n.t.Errorf("another redirect URI: %d: %s", status, b)
	}
}

// A push takes nothing from the script that it replaces without --replace.
func TestPushRefusesLosses(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	const config = `--config-json={"hosts":["app.example"]}`
	must(t, p.command("script", "push", wasmtest.Path(t, "go-policy"), "--name=policy", "--deploy", config))
	refused := func(says string, args ...string) {
		t.Helper()
		r := p.command(append([]string{"script", "push", "--deploy"}, args...)...)
		if r.code != exitFailed || !strings.Contains(r.err, says) {
			t.Errorf("push %v: exit code %d: %s, want %q in it", args, r.code, r.err, says)
		}
	}
	refused("script policy replaces set_scopes, and ", wasmtest.Path(t, "refuse-redirect-host"), "--name=policy")
	refused("script policy has a config, and ", wasmtest.Path(t, "accept-all"), "--name=policy")
	must(t, p.command("script", "push", wasmtest.Path(t, "accept-all"), "--name=policy", "--deploy",
		"--config-json={}"))

	// A file's name that build tools give names no script.
	file := filepath.Join(t.TempDir(), "script.wasm")
	place := func(module string) {
		t.Helper()
		b, err := os.ReadFile(wasmtest.Path(t, module))
		if err == nil {
			err = os.WriteFile(file, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	place("prefix-id")
	must(t, p.command("script", "push", "--deploy", file))
	must(t, p.command("script", "push", "--deploy", file)) // the same module
	place("wrap-id")
	refused("say with --name which script it is", file)
	must(t, p.command("script", "push", "--deploy", file, "--name=script"))

	if list := answer[adminapi.Deployments](t, p, "script", "deployments").Deployments; list[0].Number != 5 {
		t.Errorf("in force is %+v", list[0])
	}
}

// A deployment is exported, edited and placed without typing digests.
func TestDeploymentsAreEdited(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	push := func(module string, flags ...string) scripts.Deployment {
		t.Helper()
		args := append([]string{"script", "push", wasmtest.Path(t, module), "--deploy"}, flags...)
		return answer[scripts.Deployment](t, p, args...)
	}
	push("prefix-id", "--name=ids")
	push("patch-metadata", "--name=names", "--outermost")
	push("default-scopes", "--name=scopes", "--before=ids")
	d := push("prefix-id", "--name=ids", "--outermost", "--comment=ids first")
	if got := scripts.Names(d.Scripts); got != "ids, names, scopes" || d.Comment != "ids first" {
		t.Errorf("got %s with the comment %q", got, d.Comment)
	}
	r := p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--name=ids", "--deploy", "--before=nothing")
	if r.code != exitFailed || !strings.Contains(r.err, "it has names, scopes") {
		t.Errorf("a place before a missing script: exit code %d: %s", r.code, r.err)
	}

	exported := servertest.File(t, "exported.json", must(t, p.command("script", "export")).out)
	if r := must(t, p.command("script", "diff", exported)); !strings.Contains(r.out, "have the same scripts") {
		t.Errorf("the difference of what was exported:\n%s", r.out)
	}
	edit(t, exported, `"name": "names"`, `"mode": "shadow", "name": "names"`)
	if r := must(t, p.command("script", "diff", exported)); !strings.Contains(r.out,
		`--- deployment 4, in force`) || !strings.Contains(r.out, `+ /scripts/names/mode: "shadow"`) {
		t.Errorf("the difference of an edited deployment:\n%s", r.out)
	}
	deployed := must(t, p.command("script", "deploy", exported, "--output=json")).out
	if r := p.command("script", "deploy", exported); r.code != exitFailed ||
		!strings.Contains(r.err, "deployment 5 is in force, not 4") {
		t.Errorf("deploying it twice: exit code %d: %s", r.code, r.err)
	}
	printed := servertest.File(t, "printed.json", deployed) // without if_current
	must(t, p.command("script", "deploy", printed))
	if r := must(t, p.command("script", "diff", "5", "6")); !strings.Contains(r.out, "have the same scripts") {
		t.Errorf("the difference of what a command printed:\n%s", r.out)
	}

	for _, args := range [][]string{{"rollback", "70"}, {"export", "70"}, {"diff", "70"}} {
		r := p.command(append([]string{"script"}, args...)...)
		if r.code != exitFailed || !strings.Contains(r.err, "deployment 70 not found: the latest is 6") {
			t.Errorf("script %v: exit code %d: %s", args, r.code, r.err)
		}
	}
	d = answer[scripts.Deployment](t, p, "script", "rollback", "1", "--comment=back")
	if d.CopyOf != 1 || d.Comment != "back" {
		t.Errorf("rolling back gave %+v", d)
	}
}

// A server says what to do about a file that is no module, and about one that is too large.
func TestPushHints(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for _, tt := range []struct{ file, content, says string }{
		{"script.wat", "(module)", "wat2wasm"},
		{"script.js", "var Module = {};", "the script exports no step"},
		{"script.wasm", strings.Repeat("\x00", 9<<20), "must have at most 8388608 bytes; leave out debug information"},
	} {
		r := p.command("script", "push", servertest.File(t, tt.file, tt.content), "--name=ids")
		if r.code != exitFailed || !strings.Contains(r.err, tt.says) {
			t.Errorf("pushing %s: exit code %d: %s, want %q in it", tt.file, r.code, r.err, tt.says)
		}
	}
	r := p.command("script", "push", wasmtest.Path(t, "c-command"), "--name=names", "--deploy")
	if r.code != exitFailed || !strings.Contains(r.err, "--step STEP") {
		t.Errorf("a program without steps: exit code %d: %s", r.code, r.err)
	}
	r = runProgram(t, p.cmd.Path, t.TempDir(), nil, "script", "list", "--server", p.admin)
	if r.code != exitFailed || !strings.Contains(r.err, "there is no registrar.token in /") {
		t.Errorf("in a folder without the token: exit code %d: %s", r.code, r.err)
	}
}

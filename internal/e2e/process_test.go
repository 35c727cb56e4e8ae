package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/store/storetest"
)

// minimal is the smallest valid request.
const minimal = `{"redirect_uris":["https://app.example/cb"]}`

// patience bounds how long a test waits.
const patience = 30 * time.Second

// A process is a running server: the program, in its working directory.
type process struct {
	t             testing.TB
	cmd           *exec.Cmd
	exited        chan struct{}
	log           *buffer
	folder        string
	public, admin string // base URLs
}

// A buffer collects the output of a process. It is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs serve on free ports and returns when it listens. Unless args say otherwise, its rate limit is too high to
// refuse a request.
func start(t testing.TB, folder string, args ...string) *process {
	t.Helper()
	p := launch(t, folder, args...)
	p.awaitListening()
	return p
}

// launch is start, but does not wait.
func launch(t testing.TB, folder string, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return launchProgram(t, path, folder, args...)
}

// startProgram is start with another build of the program.
func startProgram(t testing.TB, path, folder string, args ...string) *process {
	t.Helper()
	p := launchProgram(t, path, folder, args...)
	p.awaitListening()
	return p
}

// launchProgram is launch with another build of the program.
func launchProgram(t testing.TB, path, folder string, args ...string) *process {
	t.Helper()
	args = append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json",
		"--log-level=debug", "--script-timeout=1m", "--request-timeout=1m", "--rate-limit=1e9"}, args...)
	p := &process{t: t, cmd: exec.Command(path, args...), exited: make(chan struct{}), log: &buffer{}, folder: folder}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = folder, p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // see ProcessState
	}()
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.exited })
	return p
}

// awaitListening waits for the log record with the addresses, whose ports the server chose.
func (p *process) awaitListening() {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		if line := p.logged("listening"); line != nil {
			p.public, p.admin = line["public"].(string), line["admin"].(string)
			return
		}
		select {
		case <-p.exited:
			p.t.Fatalf("the server exited:\n%s", p.log)
		case <-deadline:
			p.t.Fatalf("the server does not listen:\n%s", p.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// logged returns the first log record with a message, nil if there is none.
func (p *process) logged(message string) map[string]any {
	for line := range strings.Lines(p.log.String()) {
		var members map[string]any
		if json.Unmarshal([]byte(line), &members) == nil && members["msg"] == message {
			return members
		}
	}
	return nil
}

// stop sends SIGTERM and returns the exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	return p.wait()
}

// wait waits for the process to exit and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the server does not exit:\n%s", p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

// command runs a command of the program against the server, in its folder, which has the admin token.
func (p *process) command(args ...string) result {
	p.t.Helper()
	return runProgram(p.t, p.cmd.Path, p.folder, nil, append(args, "--server", p.admin)...)
}

// answer runs a command and decodes its JSON output.
func answer[T any](t testing.TB, p *process, args ...string) (v T) {
	t.Helper()
	r := must(t, p.command(append(args, "--output=json")...))
	if err := json.Unmarshal([]byte(r.out), &v, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, r.out)
	}
	return v
}

// A registration is the part of a response to POST /register that tests check.
type registration struct {
	status   int
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Error    string `json:"error"`
}

// register registers a client over HTTP.
func (p *process) register(body string) registration {
	p.t.Helper()
	status, b := p.post(p.public+"/register", body)
	r := registration{status: status}
	if err := json.Unmarshal(b, &r); err != nil {
		p.t.Fatalf("%v: %s", err, b)
	}
	return r
}

func (p *process) post(url, body string) (status int, answer []byte) {
	p.t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// status returns the status of a GET.
func (p *process) status(url string) int {
	p.t.Helper()
	response, err := http.Get(url)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// onEachBackend runs a test in parallel with others, with the flag of an empty database of each kind.
func onEachBackend(t *testing.T, test func(t *testing.T, flag string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "--database=sqlite:registrar.db")
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, "--database=mysql:"+storetest.MySQL(t))
	})
}

// databaseBytes returns the content of all files of the SQLite database in a folder.
func databaseBytes(t testing.TB, folder string) []byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "registrar.db*"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no database", err)
	}
	var all []byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout; still not: %s", what)
		}
	}
}

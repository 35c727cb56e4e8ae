// Package process runs servers as processes: registrar, built from this source tree and run as operators run it, or
// others.
package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"registrar/internal/wasmtest"
	"registrar/store/storetest/child"
)

// Build builds registrar as its Makefile does, with the library versions of its go.mod, and returns the path of the
// program in folder.
func Build(ctx context.Context, folder string) (program string, err error) {
	return BuildFrom(ctx, wasmtest.Root(), folder)
}

// BuildFrom is like [Build], from the source tree at root.
func BuildFrom(ctx context.Context, root, folder string) (program string, err error) {
	program = filepath.Join(folder, "registrar")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=nojsonv2")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building registrar: %w\n%s", err, out)
	}
	return program, nil
}

// A Process is a server that listens.
type Process struct {
	URL      string // of the public address, without a path
	AdminURL string // of registrar's admin API; "" for others
	Token    string // registrar's admin token; "" for others

	cmd    *exec.Cmd
	exited <-chan struct{}
	log    string
	begun  time.Time
}

// Options configure registrar.
type Options struct {
	Program  string // see [Build]
	Folder   string // working directory, for the log and compiled modules; must exist
	Database string // value of --database
	Args     []string
}

// Registrar starts registrar on free ports of loopback and returns when it listens. It counts each request against a
// rate limit, which is too high to refuse one; the rest are its defaults. Its log and its compiled modules are in the
// folder.
func Registrar(ctx context.Context, o Options) (*Process, error) {
	token := rand.Text() + rand.Text()
	args := append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--database=" + o.Database,
		"--rate-limit=1e9"}, o.Args...)
	cmd := exec.Command(o.Program, args...)
	cmd.Dir = o.Folder
	cmd.Env = append(environment(), "REGISTRAR_ADMIN_TOKEN="+token, "CACHE_DIRECTORY="+filepath.Join(o.Folder, "cache"))
	p, err := Start(ctx, cmd, filepath.Join(o.Folder, "registrar.log"))
	if err == nil {
		p.Token = token
	}
	return p, err
}

// environment returns the environment of this process without registrar's variables.
func environment() (kept []string) {
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "REGISTRAR_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// patience bounds the time that a server takes to listen, and to exit.
const patience = time.Minute

// listening matches a log line with the message "listening" in the text format of log/slog, and its addresses.
var listening = regexp.MustCompile(`(?m)^.*\bmsg=listening\b.* public=(\S+)(?: .*?admin=(\S+))?.*\n`)

// Start starts a server that logs to a file. It returns when the log has a text line of [log/slog] with the message
// "listening" and the attribute public, which is its URL.
func Start(ctx context.Context, cmd *exec.Cmd, log string) (*Process, error) {
	return start(ctx, cmd, log, announced)
}

// StartAt starts a server that logs to a file and listens at a URL. It returns when a GET of a path there is answered
// with 200.
func StartAt(ctx context.Context, cmd *exec.Cmd, log, url, path string) (*Process, error) {
	return start(ctx, cmd, log, func(ctx context.Context, p *Process) (bool, error) {
		p.URL = url
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // it does not listen yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// A ready reports whether a server listens, and sets its URLs.
type ready func(context.Context, *Process) (bool, error)

func start(ctx context.Context, cmd *exec.Cmd, log string, is ready) (*Process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	p := &Process{cmd: cmd, log: log, begun: time.Now()}
	if p.exited, err = child.Start(cmd); err != nil {
		return nil, err
	}
	if err := p.await(ctx, is); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// await waits until the server is ready.
func (p *Process) await(ctx context.Context, is ready) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if listens, err := is(ctx, p); listens || err != nil {
			return err
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w\n%s", p.cmd.Path, ctx.Err(), p.Log())
		case <-time.After(time.Millisecond):
		}
	}
}

// announced looks for the log line with the addresses.
func announced(_ context.Context, p *Process) (bool, error) {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return false, err
	}
	m := listening.FindSubmatch(b)
	if m == nil {
		return false, nil
	}
	p.URL, p.AdminURL = string(m[1]), string(m[2])
	return true, nil
}

// Begun returns the time at which the process was started.
func (p *Process) Begun() time.Time { return p.begun }

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns the end of the log, at most 4 KiB.
func (p *Process) Log() string {
	b, _ := os.ReadFile(p.log)
	return string(bytes.TrimSpace(b[max(0, len(b)-4096):]))
}

// Stop stops the process with SIGTERM. It is an error if it fails, does not exit or had exited before.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		<-p.exited
		return fmt.Errorf("%s had exited: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s did not exit in %v\n%s", p.cmd.Path, patience, p.Log())
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
	}
	return nil
}

func (p *Process) kill() {
	_ = p.cmd.Process.Kill() // it may have exited
	<-p.exited
}

// CPU returns the processor time of the process so far, user and system, in steps of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	u, err := UsageOf(p.PID())
	return u.CPU, err
}

// RSS returns the process's resident memory in bytes, now and at its peak.
func (p *Process) RSS() (now, peak int64, err error) {
	u, err := UsageOf(p.PID())
	return u.RSS, u.Peak, err
}

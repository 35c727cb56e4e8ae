// Package process runs what is measured as processes of their own: registrar, built from this source tree and run as an
// operator would run it, or another server.
package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
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

// Build builds registrar into a folder as its Makefile does, with the library versions of its own go.mod, and returns the
// path of the program.
func Build(ctx context.Context, folder string) (program string, err error) {
	program = filepath.Join(folder, "registrar")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = wasmtest.Root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=nojsonv2")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building registrar: %w\n%s", err, out)
	}
	return program, nil
}

// A Process is a server that listens.
type Process struct {
	URL      string // of its public address, without a path
	AdminURL string // of registrar's admin API; "" for others
	Token    string // of registrar's administrator; "" for others

	cmd    *exec.Cmd
	exited <-chan struct{}
	log    string
	begun  time.Time
}

// Options are how registrar runs.
type Options struct {
	Program  string // see [Build]
	Folder   string // its working folder, for its log and its compiled modules; it exists
	Database string // as --database takes it
	Args     []string
}

// Registrar starts registrar with its defaults, on free ports of loopback, its log in a file, and returns when it listens.
// What it compiles stays in the folder.
func Registrar(ctx context.Context, o Options) (*Process, error) {
	token := rand.Text() + rand.Text()
	args := append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--database=" + o.Database}, o.Args...)
	cmd := exec.Command(o.Program, args...)
	cmd.Dir = o.Folder
	cmd.Env = append(environment(), "REGISTRAR_ADMIN_TOKEN="+token, "CACHE_DIRECTORY="+filepath.Join(o.Folder, "cache"))
	p, err := Start(ctx, cmd, filepath.Join(o.Folder, "registrar.log"))
	if err == nil {
		p.Token = token
	}
	return p, err
}

// environment is this process's, without what would configure registrar.
func environment() (kept []string) {
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "REGISTRAR_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// patience is how long a server may take to listen, and to end.
const patience = time.Minute

// The addresses in a log line whose message is "listening", as log/slog writes text.
var listening = regexp.MustCompile(`(?m)^.*\bmsg=listening\b.* public=(\S+)(?: .*?admin=(\S+))?.*\n`)

// Start starts a server that logs to a file, and returns when its log holds a line of [log/slog] with the message
// "listening" and the attribute public, its URL.
func Start(ctx context.Context, cmd *exec.Cmd, log string) (*Process, error) {
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
	if err := p.await(ctx); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// await learns the addresses.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		b, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		if m := listening.FindSubmatch(b); m != nil {
			p.URL, p.AdminURL = string(m[1]), string(m[2])
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w\n%s", p.cmd.Path, ctx.Err(), p.Log())
		case <-time.After(time.Millisecond):
		}
	}
}

// Begun is when the process was started.
func (p *Process) Begun() time.Time { return p.begun }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns the end of what the process logged.
func (p *Process) Log() string {
	b, _ := os.ReadFile(p.log)
	return string(bytes.TrimSpace(b[max(0, len(b)-4096):]))
}

// Stop ends the process as a service manager would, and reports if it did not end well.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		<-p.exited
		return fmt.Errorf("%s had ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s did not end in %v\n%s", p.cmd.Path, patience, p.Log())
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.Log())
	}
	return nil
}

func (p *Process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
}

// CPU is the processor time, user and system, that the process has taken so far, in steps of 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	u, err := UsageOf(p.PID())
	return u.CPU, err
}

// RSS is the process's resident memory in bytes, now and at its peak.
func (p *Process) RSS() (now, peak int64, err error) {
	u, err := UsageOf(p.PID())
	return u.RSS, u.Peak, err
}

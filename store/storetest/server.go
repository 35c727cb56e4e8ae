package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A Server is a private MySQL or MariaDB server, which listens on nothing but a socket in a directory of its own. It
// flushes each commit to the disk. When the test process ends, in whatever way, it is killed and its directory removed.
type Server struct {
	dir     string
	program string
	janitor io.Closer // as long as this is open, the janitor leaves the directory alone

	process *os.Process
	exited  chan struct{} // closed when process has ended
}

// NewServer returns a server, started, that the test may treat badly. It is gone after the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	requireServer(t)
	s, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill(); s.janitor.Close() })
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// newServer makes the server's directory and its system tables.
func newServer() (*Server, error) {
	program, err := find("mariadbd", "mysqld")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "registrar-mysql-") // short: a socket's path has about a hundred bytes
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, program: program}
	if s.janitor, err = startJanitor(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if out, err := s.installation().CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("making the system tables of %s: %w\n%s", program, err, out), s.janitor.Close())
	}
	return s, nil
}

// installation makes the data directory: MariaDB has a program for it, MySQL does it itself.
func (s *Server) installation() *exec.Cmd {
	args := []string{"--no-defaults", "--datadir=" + s.path("data")}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	if version, _ := exec.Command(s.program, "--version").Output(); strings.Contains(string(version), "MariaDB") {
		if install, err := find("mariadb-install-db", "mysql_install_db"); err == nil {
			return exec.Command(install, append(args, "--auth-root-authentication-method=normal", "--skip-test-db")...)
		}
	}
	return exec.Command(s.program, append(args, "--initialize-insecure")...)
}

// startJanitor starts a process that waits until what it returns is closed, which the system does when this process
// ends; then it kills the server and removes dir.
func startJanitor(dir string) (io.Closer, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	const script = `trap '' HUP INT TERM; cat; if test -f "$0/pid"; then kill -9 "$(cat "$0/pid")"; fi
		for i in 1 2 3 4 5; do rm -rf "$0" && exit; sleep 1; done`
	cmd := exec.Command("sh", "-c", script, dir)
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &janitor{w, cmd}, nil
}

type janitor struct {
	io.Closer
	cmd *exec.Cmd
}

// Close lets the janitor work and waits for it.
func (j *janitor) Close() error { return errors.Join(j.Closer.Close(), j.cmd.Wait()) }

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// DSN names a database on the server; "" is for a connection without one.
func (s *Server) DSN(database string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "root", "unix", s.path("socket"), database
	return cfg.FormatDSN()
}

// Database returns the DSN of a new, empty database on the server.
func (s *Server) Database(t testing.TB) (dsn string) { return newDatabase(t, s.DSN("")).FormatDSN() }

// Start starts the server and returns when it answers.
func (s *Server) Start() error {
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"--no-defaults", "--datadir=" + s.path("data"), "--socket=" + s.path("socket"), "--pid-file=" + s.path("server.pid"),
		"--tmpdir=" + s.dir, "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	cmd := exec.Command(s.program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	dieWithUs(cmd)
	exited, started := make(chan struct{}), make(chan error)
	go func() {
		// Linux takes the end of the thread that started a process for the end of its parent.
		runtime.LockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.exited = cmd.Process, exited
	if err := os.WriteFile(s.path("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	return s.await()
}

// await returns when the server answers, or an error with the end of its log.
func (s *Server) await() error {
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.After(time.Minute)
	for {
		if err = db.Ping(); err == nil {
			return nil
		}
		select {
		case <-s.exited:
			err = errors.New("it ended")
		case <-deadline:
		case <-time.After(20 * time.Millisecond):
			continue
		}
		log, _ := os.ReadFile(s.path("log"))
		return fmt.Errorf("starting %s: %w\n%s", s.program, err, log[max(0, len(log)-4096):])
	}
}

// Kill ends the server as a power cut would, but for what the operating system has yet to write.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	os.Remove(s.path("pid"))
	s.process.Kill()
	<-s.exited
	s.process = nil
}

// Restart starts the server again after Kill.
func (s *Server) Restart() error {
	s.Kill()
	return s.Start()
}

// Package mariadb runs private MySQL or MariaDB servers, for tests and for measurements.
package mariadb

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/store/storetest/child"
)

// Config is how a server runs. The zero value is for tests.
type Config struct {
	// Folder is where the server's own folder is made; "" means that of temporary files. It is short: the path of a
	// socket has about a hundred bytes.
	Folder     string
	BufferPool int      // in MiB; 0 means 64
	Args       []string // more arguments of the server, after its own
}

// A Server is a private MySQL or MariaDB server, which listens on nothing but a socket in a folder of its own. It
// flushes each commit to the disk. When this process ends, in whatever way, it is killed and its folder removed.
type Server struct {
	config  Config
	dir     string
	program string
	janitor io.Closer // as long as this is open, the janitor leaves the folder alone

	process *os.Process
	exited  <-chan struct{} // closed when process has ended
}

// Program returns the path of a MariaDB or MySQL server, in PATH or /usr/sbin, or an error if there is none.
func Program() (string, error) { return find("mariadbd", "mysqld") }

// New makes a server's folder and its system tables. It does not start it yet.
func New(c Config) (*Server, error) {
	program, err := Program()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.Folder, "registrar-mysql-")
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, dir: dir, program: program}
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

// PID is the number of the server's process, while it runs.
func (s *Server) PID() int { return s.process.Pid }

// Start starts the server and returns when it answers.
func (s *Server) Start() error {
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"--no-defaults", "--datadir=" + s.path("data"), "--socket=" + s.path("socket"), "--pid-file=" + s.path("server.pid"),
		"--tmpdir=" + s.dir, "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=1",
		fmt.Sprintf("--innodb-buffer-pool-size=%dM", cmp.Or(s.config.BufferPool, 64))}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	cmd := exec.Command(s.program, append(args, s.config.Args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if s.exited, err = child.Start(cmd); err != nil {
		return err
	}
	s.process = cmd.Process
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

// Close kills the server and removes its folder.
func (s *Server) Close() error {
	s.Kill()
	return s.janitor.Close()
}

// find returns the first of these programs that is in PATH or /usr/sbin.
func find(names ...string) (path string, err error) {
	for _, name := range names {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

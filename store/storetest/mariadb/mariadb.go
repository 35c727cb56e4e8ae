// Package mariadb runs private MySQL or MariaDB servers for tests and benchmarks.
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
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/store/storetest/child"
)

// Config configures a Server. The zero value is a MariaDB for tests.
type Config struct {
	Kind Kind // "" means MariaDB
	// Folder is the folder in which the server's folder is created; "" means the default for temporary files. Its path
	// must be short, because the path of a socket is limited to about a hundred bytes.
	Folder     string
	BufferPool int      // in MiB; 0 means 64
	Port       int      // on 127.0.0.1; 0 means that the server listens only on a socket in its folder
	Args       []string // additional arguments of the server
	// User is the system's user that the server runs as. "" means the user of this process; only root can name another.
	User string
}

// A Server is a private MySQL or MariaDB server. It flushes each commit to the disk. When this process ends, even if it
// is killed, the server is killed and its folder removed.
type Server struct {
	config  Config
	dir     string
	program string
	janitor io.Closer // closing it removes the folder

	process *os.Process
	exited  <-chan struct{} // closed when process has ended
}

// New creates a server's folder and its system tables. It does not start the server.
func New(c Config) (*Server, error) {
	c.Kind = cmp.Or(c.Kind, MariaDB)
	program, err := Program(c.Kind)
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
	if err := s.install(); err != nil {
		return nil, errors.Join(err, s.janitor.Close())
	}
	return s, nil
}

// install creates the data directory.
func (s *Server) install() error {
	if s.config.User != "" {
		if err := child.Give(s.dir, s.config.User); err != nil {
			return err
		}
	}
	cmd, err := s.command(s.installation())
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("creating the system tables of %s: %w\n%s", s.program, err, out)
	}
	return nil
}

// installation returns the program that creates the data directory, which MariaDB has a separate one for, and its
// arguments.
func (s *Server) installation() (program string, args []string) {
	if s.config.Kind == MariaDB {
		if install, err := Find("mariadb-install-db", "mysql_install_db"); err == nil {
			return install, []string{"--auth-root-authentication-method=normal", "--skip-test-db"}
		}
	}
	return s.program, []string{"--initialize-insecure"}
}

// command returns a command on the data directory that runs as the server's user.
func (s *Server) command(program string, args []string) (*exec.Cmd, error) {
	all := []string{"--no-defaults", "--datadir=" + s.path("data")}
	if s.config.User == "" && os.Geteuid() == 0 {
		all = append(all, "--user=root")
	}
	cmd := exec.Command(program, append(all, args...)...)
	// A server that starts removes the temporary tables of every other server in the same folder.
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir)
	if s.config.User != "" {
		cmd.Dir = s.dir // the user may not be allowed to see the working directory
		return cmd, child.As(cmd, s.config.User)
	}
	return cmd, nil
}

// startJanitor starts a process that kills the server and removes dir when the returned Closer is closed. The system
// closes it when this process ends.
func startJanitor(dir string) (io.Closer, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	const script = `trap '' HUP INT TERM; cat; if test -f "$0/pid"; then kill -9 -- "-$(cat "$0/pid")"; fi
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

// Close closes the pipe and waits for the process.
func (j *janitor) Close() error { return errors.Join(j.Closer.Close(), j.cmd.Wait()) }

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// DSN returns the DSN of a database on the server, or that of the server if database is "". It is by the socket, as
// root.
func (s *Server) DSN(database string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "root", "unix", s.path("socket"), database
	return cfg.FormatDSN()
}

// PID returns the process ID of the server, which must be running.
func (s *Server) PID() int { return s.process.Pid }

// Start starts the server, with args for this start only, and returns when it answers.
func (s *Server) Start(args ...string) error {
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd, err := s.command(s.program, append(s.arguments(), args...))
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = log, log
	child.Lead(cmd)
	if s.exited, err = child.Start(cmd); err != nil {
		return err
	}
	s.process = cmd.Process
	if err := os.WriteFile(s.path("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	return s.await()
}

// arguments returns the arguments of a start, without those of command.
func (s *Server) arguments() []string {
	args := []string{
		"--socket=" + s.path("socket"), "--pid-file=" + s.path("server.pid"), "--tmpdir=" + s.dir, "--skip-log-bin",
		"--innodb-flush-log-at-trx-commit=1",
		fmt.Sprintf("--innodb-buffer-pool-size=%dM", cmp.Or(s.config.BufferPool, 64)),
	}
	if s.config.Port == 0 {
		args = append(args, "--skip-networking")
	} else {
		args = append(args, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.config.Port))
	}
	if s.config.Kind == MySQL {
		// Another listener, a folder of packages that is not there, and statistics that MariaDB does not gather either.
		args = append(args, "--mysqlx=OFF", "--secure-file-priv=", "--performance-schema=OFF")
	}
	return append(args, s.config.Args...)
}

// await returns when the server answers, or an error with the end of its log.
func (s *Server) await() error {
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.After(2 * time.Minute)
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

// Kill kills the server and the programs that it runs, as in a crash. What it has written to files is kept. A server
// that does not run is left so.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	os.Remove(s.path("pid"))
	_ = syscall.Kill(-s.process.Pid, syscall.SIGKILL) // it may have ended
	<-s.exited
	s.process = nil
}

// Pause has the system stop the server's process, which must be running: its connections stay open and new ones are
// accepted by the system, but once Pause has returned nothing is answered until Resume. What was sent meanwhile is then
// executed.
func (s *Server) Pause() error { return child.Stop(s.PID()) }

// Resume has the server's process go on after Pause.
func (s *Server) Resume() error { return child.Continue(s.PID()) }

// Restart kills the server if it runs, and starts it again.
func (s *Server) Restart() error {
	s.Kill()
	return s.Start()
}

// Close kills the server and removes its folder.
func (s *Server) Close() error {
	s.Kill()
	return s.janitor.Close()
}

// Find returns the path of the first of the named programs that is in PATH or /usr/sbin.
func Find(names ...string) (path string, err error) {
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

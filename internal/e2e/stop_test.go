package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A slowRequest is a registration whose last byte is not sent yet.
type slowRequest struct {
	conn net.Conn
	last string
}

// slow begins a registration.
func slow(t *testing.T, p *process) *slowRequest {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	n := len(minimal)
	_, err = fmt.Fprintf(conn, "POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", n, minimal[:n-1])
	if err != nil {
		t.Fatal(err)
	}
	return &slowRequest{conn, minimal[n-1:]}
}

// status returns the status of the response.
func (r *slowRequest) status() (int, error) {
	response, err := http.ReadResponse(bufio.NewReader(r.conn), nil)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	return response.StatusCode, nil
}

// refuses reports whether a listener takes no connections.
func refuses(base string) bool {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(base, "http://"), patience)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

func TestDrain(t *testing.T) { onEachBackend(t, testDrain) }

// After SIGTERM a server is not ready, but serves on; then it takes no connections, and finishes what it has begun.
func testDrain(t *testing.T, flag string) {
	p := start(t, t.TempDir(), flag, "--drain=8s")
	begun := slow(t, p)
	signalled := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wantUnready("the server is about to stop")
	if got := p.register(minimal); got.status != http.StatusCreated {
		t.Errorf("while it drains: got %+v", got)
	}
	eventually(t, "it takes no connections", func() bool { return refuses(p.public) })
	if took := time.Since(signalled); took < 8*time.Second || !refuses(p.admin) {
		t.Errorf("the listeners closed after %v, of admin: %t", took, refuses(p.admin))
	}
	if _, err := begun.conn.Write([]byte(begun.last)); err != nil {
		t.Fatal(err)
	}
	if status, err := begun.status(); status != http.StatusCreated {
		t.Errorf("the active request: got %d, %v", status, err)
	}
	if code := p.wait(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, p.log)
	}
	if line := p.logged("stopped"); line == nil || line["requests_finished"] != 2.0 || line["requests_cut"] != 0.0 {
		t.Errorf("got %v, want two requests that were finished:\n%s", line, p.log)
	}
}

// A body that arrives too slowly ends 20 s after the listeners have closed.
func TestSlowBodyOfAStoppingServer(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for range 4 { // the connection is older than a new one that was never used
		p.register(minimal)
	}
	begun := slow(t, p)
	eventually(t, "it is active", func() bool { return p.register(minimal).status == http.StatusCreated })
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	status, err := begun.status()
	took := time.Since(began)
	if status != http.StatusBadRequest || took < 15*time.Second || took > 25*time.Second {
		t.Errorf("after %v: got %d, %v; want 400 after 20 s", took, status, err)
	}
	if code := p.wait(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, p.log)
	}
	if line := p.logged("stopped"); line == nil || line["requests_cut"] != 1.0 {
		t.Errorf("got %v, want one request that was cut", line)
	}
}

// A second signal ends the process at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--drain=1h")
	for range 2 {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the first signal was seen", func() bool { return p.logged("stopping") != nil })
	}
	if code := p.wait(); code == exitDone {
		t.Errorf("exit code %d", code)
	}
}

// A server that is told to stop finishes the requests that it accepted and exits with 0.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			p := start(t, t.TempDir())
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn,
				"POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: "+
					"100-continue\r\nContent-Length: %d\r\n\r\n", len(minimal))
			reader := bufio.NewReader(conn)
			// The server asks for the body: it has accepted the request.
			if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
				t.Fatalf("got %q and %v", line, err)
			}
			if _, err := reader.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the server stops listening", func() bool {
				conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
				if err == nil {
					conn.Close()
				}
				return err != nil
			})
			fmt.Fprint(conn, minimal)
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusCreated {
				t.Errorf("status %d", response.StatusCode)
			}
			if code := p.wait(); code != exitDone {
				t.Errorf("exit code %d:\n%s", code, p.log)
			}
		})
	}
}

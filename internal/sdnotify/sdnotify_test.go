package sdnotify

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen has the process report to a socket, and returns a function that returns the reports since its last call.
func listen(t *testing.T) (reports func() []string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "") // the path of a socket is limited to about a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path := filepath.Join(folder, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() (found []string) {
		b := make([]byte, 4096)
		for {
			_ = socket.SetReadDeadline(time.Now().Add(time.Millisecond)) // a report is there when it was sent
			n, err := socket.Read(b)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return found
			}
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, string(b[:n]))
		}
	}
}

// clock matches the time of a report.
var clock = regexp.MustCompile(`(MONOTONIC_USEC=)[1-9][0-9]+`)

func TestReports(t *testing.T) {
	reports := listen(t)
	var log bytes.Buffer
	n := New(slog.New(slog.NewTextHandler(&log, nil)))
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"reloading too early", n.Reloading, nil},
		{"reloaded too early", n.Reloaded, nil},
		{"ready", n.Ready, []string{"READY=1"}},
		{"reloading", n.Reloading, []string{"RELOADING=1\nMONOTONIC_USEC="}},
		{"reloaded", n.Reloaded, []string{"READY=1"}},
		{"a status", func() { n.Alive(nil) }, []string{"STATUS=ready"}},
		{"the same status", func() { n.Alive(nil) }, nil},
		{"a problem", func() { n.Alive(errors.Join(errors.New("a"), errors.New("b"))) },
			[]string{"STATUS=not ready: a; b"}},
		{"stopping", n.Stopping, []string{"STOPPING=1\nSTATUS=stopping"}},
		{"stopping again", n.Stopping, nil},
		{"alive while stopping", func() { n.Alive(nil) }, nil},
		{"ready while stopping", n.Ready, nil},
		{"reloaded while stopping", n.Reloaded, nil},
	} {
		step.do()
		got := reports()
		for i, report := range got {
			got[i] = clock.ReplaceAllString(report, "$1")
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
}

func TestWatchdog(t *testing.T) {
	for name, tt := range map[string]struct {
		microseconds, pid string
		watched           bool
		logs              string
	}{
		"watched":              {"30000000", strconv.Itoa(os.Getpid()), true, ""},
		"any process":          {"30000000", "", true, ""},
		"another process":      {"30000000", "1", false, ""},
		"no watchdog":          {"", "", false, ""},
		"not a number of them": {"soon", "", false, "systemd expects no signs of life"},
	} {
		t.Run(name, func(t *testing.T) {
			reports := listen(t)
			t.Setenv("WATCHDOG_USEC", tt.microseconds)
			t.Setenv("WATCHDOG_PID", tt.pid)
			var log bytes.Buffer
			n := New(slog.New(slog.NewTextHandler(&log, nil)))
			n.Alive(nil)
			n.Alive(nil)
			n.Stopping()
			n.Alive(nil)
			want := []string{"STATUS=ready", "STOPPING=1\nSTATUS=stopping"}
			if tt.watched {
				want = []string{"WATCHDOG=1\nSTATUS=ready", "WATCHDOG=1", "STOPPING=1\nSTATUS=stopping", "WATCHDOG=1"}
			}
			if got := reports(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if tt.logs == "" && log.Len() > 0 || !strings.Contains(log.String(), tt.logs) {
				t.Errorf("logged %q, want %q", &log, tt.logs)
			}
		})
	}
}

// A server that cannot report goes on, and says so once.
func TestNoOneListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	var log bytes.Buffer
	n := New(slog.New(slog.NewTextHandler(&log, nil)))
	n.Ready()
	n.Alive(nil)
	n.Stopping()
	if got := strings.Count(log.String(), "systemd gets no reports"); got != 1 {
		t.Errorf("logged %d times, want once: %s", got, &log)
	}

	t.Setenv("NOTIFY_SOCKET", "")
	log.Reset()
	n = New(slog.New(slog.NewTextHandler(&log, nil)))
	n.Ready()
	n.Alive(errors.New("any"))
	n.Stopping()
	if log.Len() > 0 {
		t.Errorf("without systemd: logged %s", &log)
	}
}

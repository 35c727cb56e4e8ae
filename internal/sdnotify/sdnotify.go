// Package sdnotify reports the state of the server to systemd, for a unit with Type=notify: see sd_notify(3). Where
// $NOTIFY_SOCKET is not set, nothing is reported.
package sdnotify

import (
	"log/slog"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A Notifier reports to systemd. It is safe for concurrent use.
type Notifier struct {
	log      *slog.Logger
	watchdog bool

	mu       sync.Mutex
	status   string // that was reported last
	ready    bool   // the server listens, and does not stop
	stopping bool
	failed   bool // a report failed; later failures are not logged
}

// New returns a Notifier, which logs what it cannot report. It reports that the server lives only if the unit has a
// watchdog for this process ($WATCHDOG_USEC, $WATCHDOG_PID).
func New(log *slog.Logger) *Notifier {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd expects no signs of life", "error", err)
	}
	return &Notifier{log: log, watchdog: interval > 0}
}

// Ready reports that the server listens.
func (n *Notifier) Ready() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready = !n.stopping; n.ready {
		n.send(daemon.SdNotifyReady)
	}
}

// Reloading reports that the server begins to read its certificates again. Before Ready it reports nothing.
func (n *Notifier) Reloading() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.send(daemon.SdNotifyReloading, strings.TrimSpace(daemon.SdNotifyMonotonicUsec()))
	}
}

// Reloaded reports that the server has read its certificates again.
func (n *Notifier) Reloaded() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ready {
		n.send(daemon.SdNotifyReady)
	}
}

// Stopping reports that the server is about to stop, once.
func (n *Notifier) Stopping() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return
	}
	n.ready, n.stopping = false, true
	n.send(daemon.SdNotifyStopping, "STATUS=stopping")
}

// Alive reports that the server lives, and whether clients can register: problem says why they cannot, nil means that
// they can. It is called at least twice in each interval of the watchdog; systemd ends a server that does not.
func (n *Notifier) Alive(problem error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	if n.watchdog {
		lines = append(lines, daemon.SdNotifyWatchdog)
	}
	if status := statusOf(problem); status != n.status && !n.stopping {
		n.status = status
		lines = append(lines, "STATUS="+status)
	}
	if lines != nil {
		n.send(lines...)
	}
}

// statusOf returns the line of systemctl status that tells whether clients can register.
func statusOf(problem error) string {
	if problem == nil {
		return "ready"
	}
	return "not ready: " + strings.ReplaceAll(problem.Error(), "\n", "; ")
}

// send sends the lines of a report. The caller holds n.mu.
func (n *Notifier) send(lines ...string) {
	_, err := daemon.SdNotify(false, strings.Join(lines, "\n"))
	if err != nil && !n.failed {
		n.failed = true
		n.log.Warn("systemd gets no reports", "error", err)
	}
}

package child

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// stopTimeout bounds Stop.
const stopTimeout = time.Minute

// Stop has the system stop a process, as a debugger does, and returns when none of its threads runs any more. On a busy
// machine some of them still run, and may answer, after the signal was sent.
func Stop(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(stopTimeout); ; time.Sleep(time.Millisecond) {
		stopped, err := isStopped(pid)
		if stopped || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not stop", pid)
		}
	}
}

// Continue has a process go on after Stop.
func Continue(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }

// isStopped reports whether all threads of a process are stopped. Other systems than Linux do not tell.
func isStopped(pid int) (bool, error) {
	if runtime.GOOS != "linux" {
		return true, nil
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return false, err
	}
	if len(threads) == 0 {
		return false, fmt.Errorf("process %d has ended", pid)
	}
	return !slices.ContainsFunc(threads, func(path string) bool {
		status, err := os.ReadFile(path)
		return err == nil && !bytes.Contains(status, []byte("\nState:\tT"))
	}), nil
}

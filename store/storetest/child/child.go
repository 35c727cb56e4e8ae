// Package child starts processes that do not outlive this one.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts a process, which the system kills when this one ends; that is certain on Linux alone. exited is closed once
// the process has ended, and then cmd.ProcessState is set.
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	dieWithUs(cmd)
	ended, started := make(chan struct{}), make(chan error)
	go func() {
		// Linux takes the end of the thread that started a process for the end of its parent.
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state tells it
		}
	}()
	return ended, <-started
}

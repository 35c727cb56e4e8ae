// Package child starts processes that end with this one.
package child

import (
	"os/exec"
	"runtime"
)

// Start starts cmd. On Linux, the system kills the process when this one ends; other systems cannot. exited is closed
// when the process has ended; cmd.ProcessState is set then.
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	dieWithParent(cmd)
	ended, started := make(chan struct{}), make(chan error)
	go func() {
		// Linux sends the signal when the thread ends that started the process, so keep the thread.
		runtime.LockOSThread()
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // callers see its result in cmd.ProcessState
		}
	}()
	return ended, <-started
}

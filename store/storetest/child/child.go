// Package child starts processes that end with this one.
package child

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// Start starts cmd. On Linux, the system kills the process when this one ends; other systems cannot. exited is closed
// when the process has ended; cmd.ProcessState is set then.
func Start(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	dieWithParent(attributes(cmd))
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

// attributes returns the attributes of cmd's process, to be changed.
func attributes(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return cmd.SysProcAttr
}

// Lead has cmd lead a process group of its own, whose ID is the process's, so that a signal to the group also reaches
// the programs that it runs.
func Lead(cmd *exec.Cmd) { attributes(cmd).Setpgid = true }

// As has cmd run as a user of the system, with the user's own group only. Only root may name another user than its own.
// A program that changes its user itself would no longer end with this process.
func As(cmd *exec.Cmd, name string) error {
	uid, gid, err := ids(name)
	if err != nil {
		return err
	}
	attributes(cmd).Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

// Give makes a user of the system the owner of a file.
func Give(path, name string) error {
	uid, gid, err := ids(name)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

// ids returns the IDs of a user and of its group.
func ids(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

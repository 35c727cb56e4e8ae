package sandbox

import (
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// limitSelf bounds the memory and the CPU of this process. What it exceeds, the kernel refuses or ends.
func limitSelf(seconds uint64) error {
	limits := map[int]uint64{syscall.RLIMIT_AS: compileMemory, syscall.RLIMIT_CPU: seconds, syscall.RLIMIT_CORE: 0}
	for resource, limit := range limits {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	return nil
}

// startAndWait runs a child that does not outlive this process.
func startAndWait(child *exec.Cmd) error {
	// The signal comes when the thread ends that started the child, so this goroutine keeps its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return child.Run()
}

// thisProgram returns a path that starts this very program, also where its file was replaced by another version: what
// that compiles is not for us.
func thisProgram() (string, error) {
	const itself = "/proc/self/exe"
	if _, err := os.Stat(itself); err == nil {
		return itself, nil
	}
	return os.Executable()
}

// ours reports whether a file belongs to the user of this process.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal runs the program with a terminal as its input and output. When prompt is printed, it types an answer.
func onTerminal(t *testing.T, folder, prompt, answer string, args ...string) (code int, printed string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	screen, terminal := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = folder, terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close() // reading ends when the program has ended
	deadline := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer deadline.Stop()
	typed := false
	for b := make([]byte, 1024); ; {
		n, err := screen.Read(b)
		printed += string(b[:n])
		if !typed && strings.Contains(printed, prompt) {
			typed = true
			if _, err := screen.WriteString(answer); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // EIO
			break
		}
	}
	_ = cmd.Wait() // see ProcessState
	return cmd.ProcessState.ExitCode(), strings.ReplaceAll(printed, "\r\n", "\n")
}

// openTerminal opens both sides of a pseudo terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

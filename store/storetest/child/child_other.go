//go:build !linux

package child

import "syscall"

// dieWithParent does nothing: only Linux can kill the process.
func dieWithParent(*syscall.SysProcAttr) {}

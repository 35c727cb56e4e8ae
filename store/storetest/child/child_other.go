//go:build !linux

package child

import "os/exec"

// dieWithParent does nothing: only Linux can kill the process.
func dieWithParent(*exec.Cmd) {}

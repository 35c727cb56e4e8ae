package child

import "syscall"

// dieWithParent makes the system kill the process when this one ends.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

package e2e

import (
	"errors"
	"syscall"
	"testing"
)

// mountDisk mounts a disk of its own for the test, of a size such as "size=8m". It skips the test only where this user
// may not mount file systems, which no package that is installed could change.
func mountDisk(t *testing.T, size string) string {
	t.Helper()
	disk := t.TempDir()
	switch err := syscall.Mount("none", disk, "tmpfs", 0, size); {
	case errors.Is(err, syscall.EPERM):
		t.Skip("this user may not mount file systems: ", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// makeReadOnly makes a disk of mountDisk read-only.
func makeReadOnly(t *testing.T, disk string) {
	t.Helper()
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

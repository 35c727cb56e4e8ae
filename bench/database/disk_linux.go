package database

import "golang.org/x/sys/unix"

// inMemory reports whether a folder is on a memory file system.
func inMemory(folder string) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return false, err
	}
	return s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC, nil
}

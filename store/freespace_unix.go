//go:build linux || darwin || freebsd

package store

import (
	"math"
	"syscall"
)

// freeSpace returns the bytes that are free on the file system of path, the largest number if it does not tell.
func freeSpace(path string) uint64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return math.MaxUint64
	}
	return uint64(s.Bavail) * uint64(s.Bsize)
}

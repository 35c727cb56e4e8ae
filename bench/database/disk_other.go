//go:build !linux

package database

import "os"

// inMemory assumes that existing folders are on a disk.
func inMemory(folder string) (bool, error) {
	_, err := os.Stat(folder)
	return false, err
}

//go:build !linux

package database

import "os"

// inMemory trusts in a folder that is there.
func inMemory(folder string) (bool, error) {
	_, err := os.Stat(folder)
	return false, err
}

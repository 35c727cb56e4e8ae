//go:build !previousschema

package store

// omittedMigrations is how many of the newest migrations this program is built without.
const omittedMigrations = 0

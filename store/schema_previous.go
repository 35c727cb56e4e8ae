//go:build previousschema

package store

// omittedMigrations is how many of the newest migrations this program is built without. With one, it is a program of
// the version before, with which tests replace servers one by one.
const omittedMigrations = 1

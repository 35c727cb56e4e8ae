//go:build race

package alloctest

// RaceDetector reports whether this is built with the race detector, which allocates.
const RaceDetector = true

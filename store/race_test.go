//go:build race

package store_test

// raceDetector reports that the race detector is on, which changes how often code allocates.
const raceDetector = true

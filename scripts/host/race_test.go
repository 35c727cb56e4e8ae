//go:build race

package host_test

// raceDetector is set where the tests run with the race detector, which allocates by itself.
const raceDetector = true

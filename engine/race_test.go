//go:build race

package engine

// raceDetector reports that the race detector is on, which changes how often code allocates.
const raceDetector = true

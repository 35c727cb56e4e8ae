//go:build race

package alloctest

// RaceDetector reports whether this is built with the race detector, with which computations take about ten times as
// long. Tests of code without goroutines may compute less then; the Makefile runs them in full without it.
const RaceDetector = true

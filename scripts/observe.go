package scripts

import "time"

// OutcomeAborted is a step that a script did not end by itself: its base failed, or the request was over.
const OutcomeAborted Outcome = "aborted"

// A StepEnd is how a script's part in a step ended, for those who count.
type StepEnd struct {
	Step    string
	Outcome Outcome       // OutcomeDone, OutcomeRefused, OutcomeFailed or OutcomeAborted
	Failure FailureKind   // of OutcomeFailed; else empty
	Entered bool          // false where there was no instance to call: it used nothing then
	Fuel    int64         // used, base excluded
	Elapsed time.Duration // wall clock, base excluded
}

// A FailureKind says what kept a script from doing its step.
type FailureKind string

// The kinds of failures.
const (
	FailureTrap     FailureKind = "trap"     // it trapped, or exited with another code than 0
	FailureFuel     FailureKind = "fuel"     // it ran out of fuel
	FailureDepth    FailureKind = "depth"    // its calls nested too deep
	FailureMemory   FailureKind = "memory"   // it trapped or exited with over three quarters of its memory limit taken
	FailureContract FailureKind = "contract" // it returned neither 0 nor 1, or called a host function as it must not
	FailureClock    FailureKind = "clock"    // it used up its wall clock
	FailureHost     FailureKind = "host"     // the server did not do what it asked for
)

// FailureKinds returns every kind of failure.
func FailureKinds() []FailureKind {
	return []FailureKind{FailureTrap, FailureFuel, FailureDepth, FailureMemory, FailureContract, FailureClock, FailureHost}
}

// An InstanceEvent is something that happened to the instances of a script.
type InstanceEvent int

// What can happen to instances. One that is taken was ready; one that is missing is made while the registration waits.
const (
	InstanceTaken InstanceEvent = iota
	InstanceMissing
	InstanceMade
	InstanceRenewed
)

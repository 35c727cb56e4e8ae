package scripts

import "time"

// OutcomeAborted is the outcome of a step that ended for a reason outside the script: its base failed, or the request
// was cancelled.
const OutcomeAborted Outcome = "aborted"

// A StepEnd describes how a script's run of a step ended, for metrics.
type StepEnd struct {
	Step    string        // "_initialize" if the instance failed there, before the step
	Outcome Outcome       // OutcomeDone, OutcomeRefused, OutcomeFailed or OutcomeAborted
	Failure FailureKind   // of OutcomeFailed; else empty
	Entered bool          // false if there was no instance to call; Fuel and Elapsed are then 0
	Fuel    int64         // used, base excluded
	Elapsed time.Duration // wall clock, base excluded
}

// A FailureKind is the reason why a script failed.
type FailureKind string

// The kinds of failures.
const (
	FailureTrap     FailureKind = "trap"     // it trapped, or exited with another code than 0
	FailureFuel     FailureKind = "fuel"     // it ran out of fuel
	FailureDepth    FailureKind = "depth"    // its calls nested too deep
	FailureMemory   FailureKind = "memory"   // it trapped or exited while using over three quarters of its memory limit
	FailureContract FailureKind = "contract" // it returned neither 0 nor 1, or called a host function wrongly
	FailureClock    FailureKind = "clock"    // it exceeded its wall clock limit
	FailureHost     FailureKind = "host"     // a host function failed, or no instance was available
)

// FailureKinds returns every kind of failure.
func FailureKinds() []FailureKind {
	return []FailureKind{
		FailureTrap, FailureFuel, FailureDepth, FailureMemory, FailureContract, FailureClock, FailureHost,
	}
}

// An InstanceEvent is an event in the life of a script's instances.
type InstanceEvent int

// The events of instances.
const (
	InstanceTaken   InstanceEvent = iota // a registration took an instance that was ready
	InstanceMissing                      // no instance was ready; the registration waits until one is made
	InstanceMade                         // an instance was instantiated
	InstanceRenewed                      // a used instance was restored to its initial state
)

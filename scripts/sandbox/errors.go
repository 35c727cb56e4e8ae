package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// ErrBusy reports that the caller's time was over while it waited for an instance: too many are being made.
var ErrBusy = errors.New("too many instances are being made")

// A GuestError is why a guest did not return, or could not be instantiated. One that a host function ended has the
// function's error in its tree, which may not be the guest's fault: a *[hostfuncs.BaseError].
type GuestError struct {
	Kind scripts.FailureKind
	// Reason has one line. Where the script gave it, it may hold secrets and any character: [hostfuncs.Log.Reason] makes
	// it fit for operators.
	Reason string
	Err    error // whose text may have the guest's stack below its first line

	Initialization *Initialization // nil if the guest failed in a step
}

// An Initialization is a run of _initialize that failed.
type Initialization struct {
	Fuel    int64         // used, in instructions
	Elapsed time.Duration // wall clock
	Log     *hostfuncs.Log
}

// Error returns Reason, unless the script gave it.
func (e *GuestError) Error() string {
	_, failed := errors.AsType[*hostfuncs.FailError](e.Err)
	_, panicked := errors.AsType[*panicError](e.Err)
	if failed || panicked {
		return "it failed for a reason that it gave"
	}
	return e.Reason
}

// Unwrap returns Err.
func (e *GuestError) Unwrap() error { return e.Err }

// guestError explains an error that ended a guest. i is nil where there is no instance.
func (m *Module) guestError(err error, i *Instance) *GuestError {
	if already, is := errors.AsType[*GuestError](err); is {
		return already
	}
	e := &GuestError{Err: err, Kind: scripts.FailureTrap}
	e.Reason, _, _ = strings.Cut(err.Error(), "\n") // a stack follows
	trap, isTrap := errors.AsType[*hostfuncs.TrapError](err)
	limit, isLimit := errors.AsType[*limitError](err)
	_, isExit := errors.AsType[*exitError](err)
	overrun, isOverrun := errors.AsType[*overrunError](err)
	fail, isFail := errors.AsType[*hostfuncs.FailError](err)
	panicked, isPanic := errors.AsType[*panicError](err)
	switch {
	case isOverrun:
		e.Kind, e.Reason = scripts.FailureClock, overrun.Error()
	case isLimit:
		e.Kind, e.Reason = limit.kind, limit.reason
	case isTrap:
		e.Kind, e.Reason = scripts.FailureContract, trap.Error()
	case isExit:
		e.Kind = scripts.FailureContract
	default:
		if isFail {
			e.Reason = fail.Text
		} else if isPanic {
			e.Reason = panicked.line
		}
		if i != nil && i.nearlyFull() {
			e.Kind = scripts.FailureMemory
		}
	}
	return e
}

// nearlyFull reports whether the instance has taken more than three quarters of the memory that it may have. No wazero
// error tells that memory ran out: the guest decides what to do then, and mostly traps.
func (i *Instance) nearlyFull() bool {
	return uint64(i.guest.Memory().Size()) > uint64(i.module.sandbox.config.MemoryPages)*wasmbin.PageSize*3/4
}

// A limitError ends a guest that has used up its fuel or its calls.
type limitError struct {
	kind   scripts.FailureKind
	reason string
}

// Error returns the reason.
func (e *limitError) Error() string { return e.reason }

// An overrunError ends a guest that has used up its wall clock.
type overrunError struct{ limit time.Duration }

// Error names the limit.
func (e *overrunError) Error() string { return fmt.Sprintf("it ran longer than %s", e.limit) }

// A panicError ends a guest whose language's runtime reported a panic.
type panicError struct {
	line string // as the runtime wrote it
	err  error  // how it ended
}

// Error returns the text of err: the line may hold secrets.
func (e *panicError) Error() string { return e.err.Error() }

// Unwrap returns err.
func (e *panicError) Unwrap() error { return e.err }

// An exitError ends a program whose exit code means neither done nor refused.
type exitError struct{ code uint32 }

// Error names the exit code.
func (e *exitError) Error() string {
	return fmt.Sprintf("it exited with %d: a program exits with 0 for done and 1 for refused", e.code)
}

package host

import (
	"context"
	"errors"
	"fmt"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/sandbox"
)

// A ScriptError reports that a script failed in a step, through a fault of the script.
type ScriptError struct {
	Script string // its name in the deployment
	Module string // the digest of its module
	Step   string // [sandbox.Initialize] where no step began
	Reason string // one line of printable characters, without a secret
}

// Error names the script, its module, the step and the reason.
func (e *ScriptError) Error() string {
	return fmt.Sprintf("script %s (%s) failed in %s: %s", e.Script, e.Module, e.Step, e.Reason)
}

// Cause tells failures apart for the log: by script and step.
func (e *ScriptError) Cause() string { return e.Script + " " + e.Step }

// A RefusalError reports which script refused. It wraps the *[engine.Error] that the client reads.
type RefusalError struct {
	Script  string // its name in the deployment
	Step    string
	Refusal *engine.Error
}

// Error names the script, the step and the refusal.
func (e *RefusalError) Error() string {
	return fmt.Sprintf("script %s refused in %s: %v", e.Script, e.Step, e.Refusal)
}

// Unwrap returns the refusal.
func (e *RefusalError) Unwrap() error { return e.Refusal }

// refusal returns the error of a script that refused: that of its base if the script passes it on.
func (s *session) refusal(sc *script, step string, refusal *engine.Error, base error) error {
	if base != nil && errors.Is(base, refusal) {
		return base
	}
	return &RefusalError{Script: sc.Name, Step: step, Refusal: refusal}
}

// refused reports whether an error refuses the registration.
func refused(err error) bool {
	_, is := errors.AsType[*engine.Error](err)
	return is
}

func (s *session) failure(sc *script, step, reason string) *ScriptError {
	s.noteSecrets()
	return &ScriptError{Script: sc.Name, Module: sc.Module, Step: step, Reason: s.log.Reason(reason)}
}

// classify turns an error from acquiring or running an instance into the step's error, and records the kind of failure
// in end. Where the instance failed in _initialize, end becomes the end of that.
func (s *session) classify(ctx context.Context, sc *script, end *scripts.StepEnd, err error) (classified error) {
	if base, ok := errors.AsType[*hostfuncs.BaseError](err); ok {
		end.Failure = scripts.FailureHost
		return base.Err
	}
	guest, isGuest := errors.AsType[*sandbox.GuestError](err)
	if isGuest && guest.Initialization != nil {
		leave := s.noteInitialization(sc, end, guest.Initialization)
		defer func() { leave(classified) }()
	}
	if isGuest && guest.Kind == scripts.FailureClock {
		end.Failure = scripts.FailureClock
		return fmt.Errorf("script %s (%s) in %s: %w", sc.Name, sc.Module, end.Step, &unavailableError{err})
	}
	if cause := ctx.Err(); cause != nil {
		end.Outcome = scripts.OutcomeAborted
		return fmt.Errorf("script %s in %s: %w", sc.Name, end.Step, cause)
	}
	if !isGuest {
		end.Failure = scripts.FailureHost
		return fmt.Errorf("script %s in %s: %w", sc.Name, end.Step, &unavailableError{err})
	}
	end.Failure = guest.Kind
	failure := s.failure(sc, end.Step, guest.Reason)
	if guest.Initialization != nil {
		failure.Reason += fmt.Sprintf(" (fuel used: %d)", end.Fuel)
	}
	return failure
}

// noteInitialization makes end the end of a failed _initialize, and takes over what that logged. The caller calls leave
// with the error of the step.
func (s *session) noteInitialization(sc *script, end *scripts.StepEnd, i *sandbox.Initialization) (leave func(error)) {
	end.Step, end.Entered, end.Fuel, end.Elapsed = sandbox.Initialize, true, i.Fuel, i.Elapsed
	s.log.Adopt(i.Log)
	if s.enterStep == nil {
		return func(error) {}
	}
	traced := s.enterStep(sandbox.Initialize, sc.Name)
	fuel := i.Fuel
	return func(err error) { traced(&fuel, err) }
}

// unavailable makes an error of a sandbox that cannot load modules now one that is an engine.ErrUnavailable.
func unavailable(err error) error {
	if errors.Is(err, sandbox.ErrUnavailable) {
		return &unavailableError{err}
	}
	return err
}

// An unavailableError reports that a script exceeded its wall clock limit or waited too long for an instance or its
// compilation. Fuel bounds a script long before the clock does, so the server is overloaded: the error matches
// engine.ErrUnavailable.
type unavailableError struct{ err error }

// Error returns the text of the sandbox's error.
func (e *unavailableError) Error() string { return e.err.Error() }

// Unwrap returns the sandbox's error and engine.ErrUnavailable.
func (e *unavailableError) Unwrap() []error { return []error{e.err, engine.ErrUnavailable} }

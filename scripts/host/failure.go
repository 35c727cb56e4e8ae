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

// A ScriptError reports that a script did not do its step. It is neither the client's fault nor the server's.
type ScriptError struct {
	Script string // its name in the deployment
	Module string // the digest of its module
	Step   string
	Reason string // never holds a secret
}

// Error names the script, its module, the step and the reason.
func (e *ScriptError) Error() string {
	return fmt.Sprintf("script %s (%s) failed in %s: %s", e.Script, e.Module, e.Step, e.Reason)
}

func (s *session) failure(sc *script, step, reason string) *ScriptError {
	return &ScriptError{Script: sc.Name, Module: sc.Module, Step: step, Reason: reason}
}

// classify decides whose fault it was that a guest did not return, or that there is no instance, and notes it in end.
func (s *session) classify(ctx context.Context, sc *script, end *scripts.StepEnd, err error) error {
	if base, ok := errors.AsType[*hostfuncs.BaseError](err); ok {
		end.Failure = scripts.FailureHost
		return base.Err
	}
	guest, isGuest := errors.AsType[*sandbox.GuestError](err)
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
	return s.failure(sc, end.Step, guest.Reason)
}

// An unavailableError is a script that used up its wall clock, or had to wait too long for an instance. Fuel is the
// policy and the clock a backstop, so it means that the server is too busy: it is an engine.ErrUnavailable.
type unavailableError struct{ err error }

// Error returns the text of the sandbox's error.
func (e *unavailableError) Error() string { return e.err.Error() }

// Unwrap makes the error an engine.ErrUnavailable too.
func (e *unavailableError) Unwrap() []error { return []error{e.err, engine.ErrUnavailable} }

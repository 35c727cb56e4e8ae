package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// command judges a module without steps: it may be a program, whose deployment says which steps it replaces.
func (i *inspection) command() bool {
	e, exported := i.m.ExportNamed(start)
	if !exported || e.Kind != wasmbin.KindFunction {
		return false
	}
	function, _ := i.m.FuncType(e.Index)
	if have := function.String(); have != startType {
		i.refuse("the export %s has the type %s: it must be %s, so %s", start, have, startType, fixOf(function, wasmbin.FuncType{}))
	}
	for _, imported := range i.verdict.Imports {
		if strings.HasPrefix(imported, hostfuncs.ModuleName+".") {
			i.refuse("the module is a program and imports %s: it reads standard input and writes standard output instead; export steps to use %s", imported, hostfuncs.ModuleName)
		}
	}
	return true
}

// stepsOf returns which steps a script replaces: those that its module exports, or, for a program, those that the
// deployment lists.
func stepsOf(s scripts.Script, m scripts.Module) ([]string, error) {
	switch {
	case m.Command() && len(s.Steps) == 0:
		return nil, scripts.Reject("the module is a program: list the steps that it replaces under steps")
	case m.Command():
		return s.Steps, nil
	case len(s.Steps) > 0:
		return nil, scripts.Reject("steps is for programs: this module replaces what it exports, %s; leave steps out", strings.Join(m.Steps, ", "))
	}
	return m.Steps, nil
}

// runCommand runs a program for one step, in an instance that nothing else runs in.
func (s *session) runCommand(ctx context.Context, sc *script, i *instance, m *meter, call *hostfuncs.Call) (end scripts.StepEnd, err error) {
	end = scripts.StepEnd{Step: call.Step, Outcome: scripts.OutcomeFailed}
	i.broken = true // it is not entered again
	command, fuel, err := call.NewCommand()
	if err != nil {
		end.Failure = scripts.FailureHost
		return end, err
	}
	call.Command = command
	m.step -= fuel
	*m.shared -= fuel
	_, err = i.call(m, call, start)
	end.Entered, end.Fuel, end.Elapsed = true, s.host.config.StepFuel-m.step, m.used
	s.noteSpent(end.Fuel)
	exit, exited := errors.AsType[*hostfuncs.Exit](err)
	switch {
	case err == nil:
		err = call.Done()
	case exited && exit.Code == 1:
		if err = call.Refused(); err == nil {
			end.Outcome = scripts.OutcomeRefused
			return end, call.Refusal()
		}
	case exited:
		err = &exitStatus{exit.Code}
	}
	if err == nil {
		end.Outcome = scripts.OutcomeDone
		return end, nil
	}
	err = s.classify(ctx, sc, &end, i, err)
	return end, err
}

// An exitStatus ends a program that is neither done nor refuses.
type exitStatus struct{ code uint32 }

func (e *exitStatus) Error() string {
	return fmt.Sprintf("it exited with %d: a program exits with 0 for done and 1 for refused", e.code)
}

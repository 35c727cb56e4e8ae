package sandbox

import (
	"context"
	"errors"

	"registrar/hostfuncs"
	"registrar/scripts"
)

// What a step returns. Any other number breaks the contract.
const (
	Done    uint32 = 0
	Refused uint32 = 1
)

// Run does the step of a call: the instance's export of that name, or, of a program, one run. m is one that [NewMeter]
// returned. Where the result is neither Done nor Refused, the instance is broken. An error is a *[GuestError].
func (i *Instance) Run(ctx context.Context, m *Meter, call *hostfuncs.Call) (result uint32, err error) {
	m.start(ctx, i)
	if i.module.program() {
		result, err = i.runProgram(m, call)
	} else {
		result, err = i.call(m, call, call.Step)
	}
	if limit, is := errors.AsType[*limitError](err); is && limit.kind == scripts.FailureFuel {
		if position := i.position(ctx); position != "" {
			err = &limitError{limit.kind, limit.reason + "; " + position}
		}
	}
	if err != nil {
		return 0, i.module.guestError(err, i)
	}
	if result > Refused {
		i.broken = true
	}
	return result, nil
}

// runProgram runs a program for one step. Nothing else runs in its instance.
func (i *Instance) runProgram(m *Meter, call *hostfuncs.Call) (result uint32, err error) {
	i.broken = true // it is not entered again
	command, fuel, err := call.NewCommand()
	if err != nil {
		return 0, &hostfuncs.BaseError{Err: err}
	}
	call.Command = command
	m.spend(fuel)
	_, err = i.call(m, call, start)
	exit, exited := errors.AsType[*hostfuncs.ExitError](err)
	_, panicked := errors.AsType[*panicError](err)
	switch {
	case err == nil:
		return Done, call.Done()
	case exited && exit.Code == 1:
		return Refused, call.Refused()
	case exited && !panicked:
		return 0, &exitError{exit.Code}
	}
	return 0, err
}

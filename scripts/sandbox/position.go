package sandbox

import (
	"context"
	"errors"

	"registrar/hostfuncs"
)

// Position is the export that says where a guest is that ran out of fuel, by a call of fail. It is optional.
const Position = "_position"

// positionFuel is what Position may use.
const positionFuel = 100_000

// position returns what the guest's Position says, "" where it says nothing.
func (i *Instance) position(ctx context.Context) string {
	definition := i.module.compiled.ExportedFunctions()[Position]
	if definition == nil || len(definition.ParamTypes()) > 0 || len(definition.ResultTypes()) > 0 {
		return ""
	}
	s := i.module.sandbox
	own := int64(positionFuel)
	m := &Meter{request: ctx, fuel: i.fuel, given: own, step: own, registration: &own, limit: s.config.StepTimeout}
	call := &hostfuncs.Call{
		Step: Position, Script: i.module.name, Now: s.now(), Entropy: hostfuncs.NewEntropy(s.config.Random),
		Log: &hostfuncs.Log{},
	}
	_, err := i.call(m, call, Position)
	if fail, said := errors.AsType[*hostfuncs.FailError](err); said {
		return fail.Text
	}
	return ""
}

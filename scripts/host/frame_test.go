package host

import (
	"errors"
	"reflect"
	"testing"

	"registrar/engine"
	"registrar/hostfuncs"
)

// A frame that is given back holds nothing of the registration, whose secrets it held.
func TestFramesAreEmptied(t *testing.T) {
	r := &engine.Registration{Client: &engine.Client{ID: "an-id"}, Secret: "a secret"}
	f := newFrame()
	r.SnapshotTo(&f.entry)
	r.SnapshotTo(&f.before)
	r.SnapshotTo(&f.after)
	f.call = hostfuncs.Call{Registration: r}
	f.early, f.baseRan, f.baseErr = true, true, errors.New("a refusal")
	f.free()
	if !reflect.ValueOf(f).Elem().IsZero() {
		t.Errorf("the frame holds %+v", f)
	}
}

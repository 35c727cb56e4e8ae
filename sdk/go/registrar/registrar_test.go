package registrar

import (
	"reflect"
	"strings"
	"testing"
)

// A reading function writes only what fits, so that a larger value takes a second call.
func TestReadGrows(t *testing.T) {
	for _, length := range []int{0, 1, 2048, 2049, 100_000} {
		value, calls := strings.Repeat("x", length), 0
		got, ok := read(func(buf []byte) int32 {
			calls++
			if len(value) <= len(buf) {
				copy(buf, value)
			}
			return int32(len(value))
		})
		if got != value || !ok {
			t.Errorf("%d bytes: got %d, %t", length, len(got), ok)
		}
		if want := 1 + min(1, length/2049); calls != want {
			t.Errorf("%d bytes: %d calls, want %d", length, calls, want)
		}
	}
	if _, ok := read(func([]byte) int32 { return -1 }); ok {
		t.Error("what is absent is there")
	}
}

func TestCallerOf(t *testing.T) {
	got := callerOf(`{"auth":"jwt","issuer":"https://idp.example","subject":"ci","token_id":"7","scopes":["a","b"],` +
		`"ip":"192.0.2.1","claims":{"team":"x"}}`)
	want := CallerInfo{"jwt", "https://idp.example", "ci", "7", []string{"a", "b"}, "192.0.2.1", `{"team":"x"}`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !got.HasScope("b") || got.HasScope("a b") || callerOf(`{"auth":"none"}`).HasScope("") {
		t.Error("HasScope is wrong")
	}
}

func TestContextOf(t *testing.T) {
	got := contextOf(`{"operation":"register","step":"set_scopes","mode":"dry_run"}`)
	if want := (ContextInfo{"register", "set_scopes", "dry_run"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHex(t *testing.T) {
	if got := hex([]byte{0, 0x0f, 0xa0, 255}); got != "000fa0ff" {
		t.Errorf("got %s", got)
	}
}

func TestPatchErrorNamesThePatch(t *testing.T) {
	if got := (&PatchError{`{"client_id":"x"}`}).Error(); !strings.Contains(got, `{"client_id":"x"}`) {
		t.Errorf("got %s", got)
	}
}

func TestThereIsNoHostOutsideWebAssembly(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Base returned")
		}
	}()
	Base()
}

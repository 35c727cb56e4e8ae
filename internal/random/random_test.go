package random

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestToken(t *testing.T) {
	source := bytes.NewReader(append(bytes.Repeat([]byte{0xff}, 32), 1, 2, 3))
	got, err := Token(source)
	if want := "__________________________________________8"; got != want || err != nil {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	if got, err := Token(source); got != "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("from 3 bytes: got %q and %v, want %v", got, err, io.ErrUnexpectedEOF)
	}
}

package configschema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of a number. The library computes its exact value, so a short one such as 1e999999999 would take all
// memory.
const (
	maxNumber   = 100 // in bytes
	maxExponent = 400 // just beyond those of a float64
)

// bounds are what JSON may have before the library reads it. 0 means that there is no bound.
type bounds struct{ depth, values int }

// check returns why text is not one valid JSON value within the bounds, "" if it is. Names are unique.
func (b bounds) check(text []byte) string {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	values, ended := 0, false
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && ended:
			return ""
		case errors.Is(err, io.EOF):
			return "it is empty"
		case err != nil:
			return explain(err)
		case ended:
			return "it must be one JSON value"
		}
		ended = d.StackDepth() == 0
		if values++; b.values > 0 && values > b.values {
			return fmt.Sprintf("it has more than %d values and names", b.values)
		}
		if b.depth > 0 && d.StackDepth() > b.depth {
			return fmt.Sprintf("%s: nested deeper than %d", pointer(string(d.StackPointer())), b.depth)
		}
		if token.Kind() == '0' && !exact(token.String()) {
			return fmt.Sprintf("%s: a number must have at most %d characters and an exponent from -%d to %[3]d",
				pointer(string(d.StackPointer())), maxNumber, maxExponent)
		}
	}
}

// explain describes an error of package jsontext without the text that it is about.
func explain(err error) string {
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		return pointer(string(syntactic.JSONPointer)) + ": given twice"
	case ok:
		return fmt.Sprintf("it is not valid JSON, at byte %d", syntactic.ByteOffset)
	}
	return "it is not valid JSON"
}

// exact reports whether a JSON number is within the bounds of a number.
func exact(number string) bool {
	if len(number) > maxNumber {
		return false
	}
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return true
	}
	exponent, err := strconv.Atoi(number[i+1:])
	return err == nil && -maxExponent <= exponent && exponent <= maxExponent
}

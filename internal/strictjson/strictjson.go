// Package strictjson explains to the sender of JSON why it was refused: which member is wrong and what it must be, in
// JSON's terms instead of Go's.
package strictjson

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// UnmarshalObject decodes a JSON object into the struct that v points to. It refuses other values, unknown and
// duplicate members, and invalid UTF-8. root is the name of the member whose value b is; "" means that b is a whole
// body. The error is what [Explain] returns.
func UnmarshalObject(b []byte, v any, root string) error {
	if k := jsontext.Value(b).Kind(); k != '{' {
		// Unmarshal would accept null.
		return fmt.Errorf("%s must be a JSON object%s", NameOf(root, ""), Not(k))
	}
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		return errors.New(Explain(err, root))
	}
	return nil
}

// Explain describes an error of package json and names the member. root is as in [UnmarshalObject].
func Explain(err error, root string) string {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return fmt.Sprintf("%s is unknown: the members are %s", NameOf(root, semantic.JSONPointer),
			strings.Join(members(semantic.GoType), ", "))
	case errors.As(err, &semantic):
		want, have := wanted(semantic.GoType), Not(semantic.JSONKind)
		if want == wholeNumber && semantic.JSONKind == '0' || want == ipAddress && semantic.JSONKind == '"' {
			have = ""
		}
		return fmt.Sprintf("%s must be %s%s", NameOf(root, semantic.JSONPointer), want, have)
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return NameOf(root, syntactic.JSONPointer) + " is given twice"
	case errors.As(err, &syntactic):
		return fmt.Sprintf("%s is not valid JSON: %v at byte %d", NameOf(root, ""), syntactic.Err, syntactic.ByteOffset)
	}
	return NameOf(root, "") + " is not valid JSON"
}

// NameOf returns the name of the value at p, such as redirect_uris[0] for /redirect_uris/0. root is as in
// [UnmarshalObject].
func NameOf(root string, p jsontext.Pointer) string {
	var s strings.Builder
	s.WriteString(root)
	for token := range p.Tokens() {
		switch {
		case s.Len() == 0:
			s.WriteString(token)
		case strings.Trim(token, "0123456789") == "":
			s.WriteString("[" + token + "]")
		default:
			s.WriteString("." + token)
		}
	}
	if s.Len() == 0 {
		return "the body"
	}
	return s.String()
}

const (
	wholeNumber = "a whole number of 64 bits, without a fraction or an exponent"
	ipAddress   = "an IP address, such as 192.0.2.1 or 2001:db8::1"
)

// wanted describes the JSON that a Go type is decoded from.
func wanted(t reflect.Type) string {
	switch {
	case t == nil:
		return "another type"
	case t.Kind() == reflect.Pointer:
		return wanted(t.Elem())
	case t == reflect.TypeFor[netip.Addr]():
		return ipAddress
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return wholeNumber
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "a list of strings"
		}
		return "a list"
	}
	return "an object"
}

// members returns the JSON names of a struct's fields, in order.
func members(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// Not returns the end of a sentence for the kind of a value that was found, such as ", not a list". It returns "" for
// an unknown kind.
func Not(k jsontext.Kind) string {
	switch k {
	case 'n':
		return ", not null"
	case 't', 'f':
		return ", not true or false"
	case '"':
		return ", not a string"
	case '0':
		return ", not a number"
	case '[':
		return ", not a list"
	case '{':
		return ", not an object"
	}
	return ""
}

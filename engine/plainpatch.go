package engine

import (
	"bytes"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A plainPatch applies patches whose members all have fields of strings, lists of strings, numbers and booleans, as
// those of most scripts have, without writing the metadata as JSON and reading it again.
type plainPatch struct {
	metadata Metadata // the patched one
	names    []string // of the patch's members
	unseen   int      // bytes of JSON for the members that the patch set to "", which a Metadata does not have
}

var plainPatches = sync.Pool{New: func() any { return new(plainPatch) }}

// patchPlainly applies a patch that is plain and valid, and reports whether it was. If not, it has changed nothing.
// Its result is the same as that of patchAny.
func (r *Registration) patchPlainly(by Patcher, patch []byte) bool {
	if by.Step == StepBuildResponse {
		return false
	}
	p := plainPatches.Get().(*plainPatch)
	defer p.free()
	p.metadata = r.Client.Metadata
	size, ok := p.apply(patch)
	if !ok || p.metadata.settle() != nil || p.metadata.checkExtensionStrings() != nil {
		return false
	}
	r.setPatched(by, &p.metadata, size, p.names)
	return true
}

// free empties p and gives it back.
func (p *plainPatch) free() {
	p.metadata, p.names, p.unseen = Metadata{}, p.names[:0], 0
	plainPatches.Put(p)
}

// apply applies a patch to p.metadata, which shares its lists and values with other copies. It returns the size of the
// result in bytes of JSON, and false if the patch is not plain or not valid.
func (p *plainPatch) apply(patch []byte) (size int, ok bool) {
	m := &p.metadata
	if m.RedirectURIs == nil {
		m.RedirectURIs = []string{} // as JSON has it
	}
	reader := plainReaders.Get().(*plainReader)
	defer reader.free()
	fields := reflect.ValueOf(m).Elem()
	c := cursor{json: string(patch)}
	ok = c.object(func(name string) bool {
		index, known := memberIndices()[name]
		kind := c.peek()
		// Objects are merged, and a number below 0 may be -0, which gets another size.
		if !known || kind == '{' || kind == '-' || !reader.read(&c, fields, index) {
			return false
		}
		p.names = append(p.names, memberNames()[index])
		if kind == '"' && fields.Field(index).Len() == 0 {
			p.unseen += len(name) + len(`"":"",`)
		}
		return true
	})
	if !ok {
		return 0, false
	}
	reader.setLists(nil)
	size, ok = plainSize(fields, m.Other)
	size += p.unseen
	return size, ok && size <= maxDocument
}

// plainSize returns the size of metadata, given its fields, in bytes of JSON. It returns false if patchAny would write
// a raw value in another way, or if the metadata might break a bound of nesting or of the number of members.
func plainSize(fields reflect.Value, others map[string]jsontext.Value) (size int, ok bool) {
	size = len("{}") - len(",")
	ok = len(others) < maxMembers/2
	nested := 1
	add := func(name string, n int) { size += len(name) + len(`"":,`) + n }
	raw := func(name string, value jsontext.Value) {
		ok = ok && plainValue(value)
		nested += bytes.Count(value, []byte{'{'}) + bytes.Count(value, []byte{'['})
		add(name, len(value))
	}
	for i, name := range memberNames() {
		switch v := fields.Field(i).Addr().Interface().(type) {
		case *string:
			if *v != "" {
				add(name, quotedSize(*v, &ok))
			}
		case *[]string:
			if *v != nil {
				add(name, listSize(*v, &ok))
			}
		case **bool:
			if *v != nil {
				add(name, len(strconv.FormatBool(**v)))
			}
		case **int64:
			if *v != nil {
				var digits [20]byte
				add(name, len(strconv.AppendInt(digits[:0], **v, 10)))
			}
		case *jsontext.Value:
			if *v != nil {
				raw(name, *v)
			}
		default:
			return 0, false
		}
	}
	for name, value := range others {
		raw(name, value)
		escaped := quotedSize(name, &ok) > len(name)+len(`""`)
		ok = ok && !escaped && value[0] != 'n' && string(value) != `""` // checkOther would drop these
	}
	return max(size, len("{}")), ok && nested <= maxDepth
}

func listSize(list []string, ok *bool) int {
	size := len("[]") + max(len(list)-1, 0)
	for _, s := range list {
		size += quotedSize(s, ok)
	}
	return size
}

// quotedSize returns the size of a string in JSON, and clears ok if the string is not valid UTF-8.
func quotedSize(s string, ok *bool) int {
	size := len(s) + len(`""`)
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t':
			size++
		case c < ' ':
			size += len(`\u0000`) - 1
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && !utf8.ValidString(s) {
		*ok = false
	}
	return size
}

// plainValue reports whether valid JSON has no escapes, and no white space outside strings. Package json writes such
// values as they are.
func plainValue(value jsontext.Value) bool {
	quoted := false
	for _, c := range value {
		switch c {
		case '\\':
			return false
		case '"':
			quoted = !quoted
		case ' ', '\t', '\n', '\r':
			if !quoted {
				return false
			}
		}
	}
	return len(value) > 0 && utf8.Valid(value)
}

package registrar

import "strings"

// A TaggedValue is a form of a member for one language (RFC 7591 §2.2).
type TaggedValue struct {
	Name  string // of the member, such as "client_name" or "client_name#ja"
	Tag   string // the BCP 47 language tag as written, whose case does not matter; "" for the member without a tag
	Value Value
}

// Tagged returns all forms of a member of an object, the one without a tag first, the others in their order. Forms that
// are null are left out, since they count as absent. A policy about what users read, such as client_name, must look at
// all of them:
//
//	for _, name := range registrar.Client().Tagged("client_name") {
//		if strings.Contains(name.Value.Text(), "Bank") { … }
//	}
func (v Value) Tagged(member string) []TaggedValue {
	var forms []TaggedValue
	s := scanner{text: string(v)}
	if !s.open('{') {
		return nil
	}
	for s.more('}') {
		key := s.next()
		if !s.take(':') {
			break
		}
		value := s.next()
		full := key.name()
		name, tag, tagged := strings.Cut(full, "#")
		if name != member || !value.IsSet() {
			continue
		}
		if forms == nil {
			forms = make([]TaggedValue, 0, 8) // one allocation, since each costs thousands of instructions
		}
		form := TaggedValue{full, tag, value}
		if forms = append(forms, form); !tagged {
			copy(forms[1:], forms)
			forms[0] = form
		}
	}
	return forms
}

// name returns the text of a member's name, without an allocation if it has no escapes.
func (v Value) name() string {
	if len(v) < 2 || strings.IndexByte(string(v), '\\') >= 0 {
		return v.Text()
	}
	return string(v[1 : len(v)-1])
}

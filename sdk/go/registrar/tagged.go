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
	for _, m := range v.Members() {
		name, tag, tagged := strings.Cut(m.Name, "#")
		if name != member || !m.Value.IsSet() {
			continue
		}
		form := TaggedValue{m.Name, tag, m.Value}
		if forms = append(forms, form); !tagged {
			copy(forms[1:], forms)
			forms[0] = form
		}
	}
	return forms
}

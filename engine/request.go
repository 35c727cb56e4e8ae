package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/language"

	"registrar/internal/strictjson"
)

// A Request is a registration request or an update request.
type Request struct {
	Metadata Metadata
	Raw      jsontext.Value // the object as sent, including unknown members, or as scripts patched it
	ID       string         // identifies the request in logs; may be empty

	// Statement holds the claims of a software statement, an object, that [Engine.Preview] takes as verified; nil means
	// none. Other methods ignore it.
	Statement jsontext.Value

	claims jsontext.Value // of the verified software statement that Metadata was overlaid with; nil means none
	room   [6]string      // for the lists of Metadata, if they are short
}

// ParseRequest reads a registration request (RFC 7591 §3.1). It returns an *[Error] that names the offending member if
// the body is not a strict JSON object: it refuses duplicate members, invalid UTF-8, wrong types and trailing data.
// null means that a member is missing, and so does "" for a string. The request keeps a reference to body.
func ParseRequest(body []byte) (*Request, error) {
	r := &Request{Raw: body}
	if err := decodeMetadata(body, &r.Metadata, r.room[:]); err != nil {
		return nil, err
	}
	return r, nil
}

// decodeMetadata reads the object in b into m, which must be empty. The lists of m may use room, which may be nil. Its
// errors are all of type *Error.
func decodeMetadata(b []byte, m *Metadata, room []string) error {
	if k := jsontext.Value(b).Kind(); k != '{' {
		// A top-level null would decode without an error.
		return Refuse("the body must be a JSON object%s", strictjson.Not(k))
	}
	if tooDeep(b) {
		return Refuse("the body must not nest deeper than %d objects and lists", maxDepth)
	}
	if tooManyMembers(b, maxMembers) {
		return Refuse("the body has more than %d members", maxMembers)
	}
	if !readPlainly(b, m, room) {
		*m = Metadata{} // only package json tells what is wrong
		if err := json.Unmarshal(b, m); err != nil {
			return Refuse("%s", strictjson.Explain(err, ""))
		}
	}
	return m.settle()
}

// settle checks the values of decoded metadata, and drops those that count as missing and those that repeat.
func (m *Metadata) settle() error {
	if m.JWKS.Kind() == 'n' || emptyKeySet(m.JWKS) {
		m.JWKS = nil
	}
	if err := checkLists(m); err != nil {
		return err
	}
	if err := m.checkStrings(); err != nil {
		return err
	}
	m.dropRepeats()
	if err := checkScopeCount(m.Scope); err != nil {
		return err
	}
	return m.checkOther()
}

// localizable lists the members that may have a language tag (RFC 7591 §2.2).
var localizable = [...]string{"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"}

// localized splits a language-tagged name such as "client_name#ja" into the member and the tag. It reports false for
// any other name.
func localized(name string) (member, tag string, ok bool) {
	member, tag, ok = strings.Cut(name, "#")
	if !ok {
		return "", "", false
	}
	for _, l := range localizable {
		if member == l {
			return member, tag, true
		}
	}
	return "", "", false
}

// checkOther checks the language-tagged members. It drops members that count as missing: null, and "" for a tagged one.
func (m *Metadata) checkOther() error {
	var seen map[string]string
	var tags [len(localizable)]int
	for name, value := range m.Other {
		member, tag, ok := localized(name)
		if value.Kind() == 'n' || ok && string(value) == `""` {
			delete(m.Other, name)
			continue
		}
		if !ok {
			continue
		}
		i := slices.Index(localizable[:], member)
		if tags[i]++; tags[i] > maxTags {
			return Refuse("%s has more than %d language tags: at most %d are allowed", member, maxTags, maxTags)
		}
		if len(tag) > maxTag {
			return Refuse("%s has a language tag of %d characters: at most %d are allowed", member, len(tag), maxTag)
		}
		if value.Kind() != '"' {
			return Refuse("%s must be a string%s", name, strictjson.Not(value.Kind()))
		}
		if !wellFormedTag(tag) {
			return Refuse("%s: '%s' is not a BCP 47 language tag, such as 'ja' or 'pt-BR'", member, tag)
		}
		if member == "client_name" {
			if err := checkTaggedName(name, value); err != nil {
				return err
			}
		}
		// RFC 7591 §2.2: tags are compared without regard to case.
		if seen == nil {
			seen = make(map[string]string)
		}
		folded := member + "#" + strings.ToLower(tag)
		if first, taken := seen[folded]; taken {
			return Refuse("%s and %s are the same member", min(first, name), max(first, name))
		}
		seen[folded] = name
	}
	return nil
}

func wellFormedTag(tag string) bool {
	if strings.Contains(tag, "_") {
		return false // package language reads CLDR's locales too; RFC 5646 §2.1 has only hyphens
	}
	_, err := language.Parse(tag)
	// A ValueError means that the tag is well formed but not registered.
	return err == nil || errors.As(err, new(language.ValueError))
}

// text decodes a JSON string.
func text(v jsontext.Value) (string, error) {
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", fmt.Errorf("unquoting a string: %w", err)
	}
	return string(b), nil
}

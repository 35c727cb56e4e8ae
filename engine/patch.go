package engine

import (
	"fmt"
	"maps"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDocument bounds a client's patched metadata, in bytes of JSON.
const maxDocument = 256 << 10

// A Patcher is who patches a client or a request.
type Patcher struct {
	Step   string // that runs
	Script string // name of the script in its deployment
}

// PatchMetadata applies a JSON Merge Patch (RFC 7396) to the client's metadata. It returns an error, and changes
// nothing, if the patch is not a strict JSON object, touches a [Reserved] member, gives a member a wrong type, nests
// deeper than 100 objects and lists, results in more than 256 KiB, or touches an extension member that is not in
// Options.EchoExtensions. In the step build_response, it may touch only extension members.
func (r *Registration) PatchMetadata(by Patcher, patch []byte) error {
	if r.patchPlainly(by, patch) {
		return nil
	}
	return r.patchAny(by, patch)
}

// patchAny is PatchMetadata for any patch.
func (r *Registration) patchAny(by Patcher, patch []byte) error {
	members, err := patchMembers(patch)
	if err != nil {
		return err
	}
	for name := range members {
		switch {
		case Reserved(name):
			return fmt.Errorf("the patch touches %s, which only the server sets", name)
		case KnownMember(name) && by.Step == StepBuildResponse:
			return fmt.Errorf("the patch touches %s, which %s cannot change", name, by.Step)
		case !KnownMember(name) && !slices.Contains(r.engine.options.EchoExtensions, name):
			return fmt.Errorf("the patch touches %s, an extension member that the operator does not echo", name)
		}
	}
	after, err := r.Client.Metadata.merged(members)
	if err != nil {
		return err
	}
	if len(after) > maxDocument {
		return fmt.Errorf("the patched metadata has %d bytes: at most %d are allowed", len(after), maxDocument)
	}
	var patched Metadata
	if err := decodeMetadata(after, &patched, nil); err != nil {
		return fmt.Errorf("the patched metadata: %w", err)
	}
	if err := patched.checkExtensionStrings(); err != nil {
		return fmt.Errorf("the patched metadata: %w", err)
	}
	r.setPatched(by, &patched, len(after), slices.Collect(maps.Keys(members)))
	return nil
}

// setPatched makes metadata, of size bytes of JSON, that of the client. names are those of the patched members.
func (r *Registration) setPatched(by Patcher, m *Metadata, size int, names []string) {
	m.ResponseTypes = r.spelled(m.ResponseTypes)
	m.Scope = plainScope(m.Scope)
	m.dropAllRepeats()
	r.Client.Metadata, r.Client.patchedSize = *m, size
	r.patches++
	r.watch(by, names)
	r.Response, r.Client.encoded = nil, nil // they are out of date
	r.ForgetDocument()
}

// MetadataSize returns the approximate size of the client's metadata as JSON, in bytes: that after the last patch, or
// that of the request if it is larger. It takes constant time.
func (r *Registration) MetadataSize() int { return max(r.Client.patchedSize, len(r.Request.Raw)) }

// merged returns m as JSON with a patch applied; see mergePatch.
func (m *Metadata) merged(patch map[string]jsontext.Value) (jsontext.Value, error) {
	before, err := m.document("")
	if err != nil {
		return nil, fmt.Errorf("writing the metadata: %w", err)
	}
	return mergePatch(before, patch)
}

// mergePatch returns metadata, an object, with a patch applied: null removes a member, an object is merged, any other
// value replaces the member (RFC 7396 §2).
func mergePatch(before jsontext.Value, patch map[string]jsontext.Value) (_ jsontext.Value, err error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(before, &members); err != nil {
		return nil, fmt.Errorf("reading the metadata: %w", err)
	}
	for name, value := range patch {
		switch value.Kind() {
		case 'n':
			delete(members, name)
			continue
		case '{':
			target := members[name]
			if target.Kind() != '{' {
				target = jsontext.Value("{}")
			}
			// Merging member by member is faster than jsonpatch on the whole metadata.
			if value, err = jsonpatch.MergePatch(target, value); err != nil {
				return nil, fmt.Errorf("merging the patch of %s: %w", name, err)
			}
		}
		members[name] = value
	}
	return json.Marshal(members, json.Deterministic(true))
}

// extended returns others with a member set. others is nil, or what extended returned before: a copy of m.Other, which
// copies of the client share. The caller replaces m.Other by it at the end.
func (m *Metadata) extended(
	others map[string]jsontext.Value, name string, value jsontext.Value,
) map[string]jsontext.Value {
	if others == nil {
		others = maps.Clone(m.Other)
	}
	if others == nil {
		others = make(map[string]jsontext.Value)
	}
	others[name] = value
	return others
}

// setOther sets a member without a field.
func (m *Metadata) setOther(name string, value jsontext.Value) {
	m.Other = m.extended(nil, name, value)
}

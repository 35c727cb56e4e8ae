package engine

import (
	"fmt"
	"maps"
	"slices"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDocument bounds a client's metadata, in bytes of JSON: no series of patches makes more of it.
const maxDocument = 256 << 10

// PatchMetadata applies a JSON Merge Patch (RFC 7396) to the client's metadata. It returns an error, and changes nothing,
// where the patch is no strict JSON object, touches a member that only the server sets, leaves a member with a wrong
// type, nests deep or grows large, or sets an extension member that the operator does not let be echoed. In the step
// build_response the rest of the client is settled: only extension members may change.
func (r *Registration) PatchMetadata(step string, patch []byte) error {
	if tooDeep(patch) {
		return fmt.Errorf("the patch nests deeper than %d objects and lists", maxDepth)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(patch, &members); err != nil || members == nil {
		return fmt.Errorf("the patch is no strict JSON object")
	}
	for name := range members {
		switch {
		case Reserved(name):
			return fmt.Errorf("the patch touches %s, which only the server sets", name)
		case KnownMember(name) && step == StepBuildResponse:
			return fmt.Errorf("the patch touches %s, which is settled in %s", name, step)
		case !KnownMember(name) && !slices.Contains(r.engine.options.EchoExtensions, name):
			return fmt.Errorf("the patch touches %s, an extension member that the operator does not let be echoed", name)
		}
	}
	after, err := r.Client.Metadata.merged(members)
	if err != nil {
		return err
	}
	if len(after) > maxDocument {
		return fmt.Errorf("patched, the metadata has %d bytes: at most %d are allowed", len(after), maxDocument)
	}
	var patched Metadata
	if err := decodeMetadata(after, &patched); err != nil {
		return fmt.Errorf("patched, %w", err)
	}
	r.Client.Metadata = patched
	r.patches++
	r.Response, r.Client.encoded = nil, nil // they no longer tell what is stored
	return nil
}

// merged returns m, as JSON, with a patch's members: null takes one away, and only an object is merged (RFC 7396 §2).
func (m *Metadata) merged(patch map[string]jsontext.Value) (jsontext.Value, error) {
	before, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing the metadata: %w", err)
	}
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
			// For the whole of the metadata the library took longer than all of a patch takes so.
			if value, err = jsonpatch.MergePatch(target, value); err != nil {
				return nil, fmt.Errorf("the patch of %s cannot be merged: %w", name, err)
			}
		}
		members[name] = value
	}
	return json.Marshal(members, json.Deterministic(true))
}

// setOther sets a member without a field. The map of a copied client is shared, so it is never changed in place.
func (m *Metadata) setOther(name string, value jsontext.Value) {
	m.Other = maps.Clone(m.Other)
	if m.Other == nil {
		m.Other = make(map[string]jsontext.Value)
	}
	m.Other[name] = value
}

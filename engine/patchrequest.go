package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// PatchRequest applies a JSON Merge Patch (RFC 7396) to the request, as the built-in steps that have not yet begun, and
// scripts, will read it. The request as sent stays what reruns begin with. Everything that holds for a request that a
// client sends holds for the patched one.
//
// PatchRequest returns an error, and changes nothing, if the patch is not a strict JSON object, nests deeper than 100
// objects and lists, results in more than 256 KiB, gives a member a value that a request could not have, or touches a
// member that
//
//   - only the server sets ([Reserved]), or the software statement itself
//   - no built-in step sets in the client, such as an extension member
//   - a built-in step has set already, or would have set before by's step
//   - the verified software statement has (RFC 7591 §3.1.1: its claims take precedence)
func (r *Registration) PatchRequest(by Patcher, patch []byte) error {
	members, err := patchMembers(patch)
	if err != nil {
		return err
	}
	claimed, claims, err := r.Request.claimed()
	if err != nil {
		return err
	}
	for name := range members {
		if err := r.checkPatchable(by, name); err != nil {
			return err
		}
		if claims.fixes(name) {
			return fmt.Errorf("the patch touches %s, which the software statement has: its claims take precedence",
				name)
		}
	}
	raw, err := mergePatch(r.Request.Raw, members)
	if err != nil {
		return err
	}
	if len(raw) > maxDocument {
		return fmt.Errorf("the patched request has %d bytes: at most %d are allowed", len(raw), maxDocument)
	}
	patched := *r.Request
	patched.Raw, patched.Metadata = raw, Metadata{}
	if err := decodeMetadata(raw, &patched.Metadata, nil); err != nil {
		return fmt.Errorf("the patched request: %w", err)
	}
	if r.document != "" {
		if err := checkDocumentMethod(&patched.Metadata); err != nil {
			return fmt.Errorf("the patched request: %w", err)
		}
	}
	if claims != nil {
		patched.Metadata = overlay(&patched.Metadata, &claimed, claims)
	}
	r.Request = &patched
	return nil
}

// RequestSize returns the size of the request and of the claims of its software statement, in bytes of JSON.
func (r *Registration) RequestSize() int { return len(r.Request.Raw) + len(r.Request.claims) }

// checkPatchable checks that by may still patch a member of the request.
func (r *Registration) checkPatchable(by Patcher, name string) error {
	setter, now := setterOf(name), stepNumber(by.Step)
	switch {
	case Reserved(name):
		return fmt.Errorf("the patch touches %s, which only the server sets", name)
	case name == "software_statement":
		return errors.New("the patch touches software_statement, which only the client sends")
	case setter == "":
		return fmt.Errorf("the patch touches %s, which no built-in step reads: patch_client changes extension members",
			name)
	case now < 0:
		return fmt.Errorf("the patch is made in %q, which is not a step", by.Step)
	case stepNumber(setter) < max(now, r.reached):
		return fmt.Errorf("the patch touches %s, but %s comes before: it would have no effect; use patch_client", name,
			setter)
	}
	return nil
}

// A claimSet holds the claims of a software statement that replace members of the request, by name.
type claimSet map[string]jsontext.Value

// fixes reports whether the claims decide what a member of the request is: see overlay.
func (c claimSet) fixes(name string) bool {
	if _, there := c[name]; there {
		return true
	}
	member, _, ok := localized(name)
	return ok && c.speaks(member)
}

// speaks reports whether there is a claim of a human-readable member, in any language.
func (c claimSet) speaks(member string) bool {
	for name := range c {
		if of, _, _ := strings.Cut(name, "#"); of == member {
			return true
		}
	}
	return false
}

// patchMembers returns the members of a patch. It returns an error if the patch is not a strict JSON object or nests
// too deep.
func patchMembers(patch []byte) (map[string]jsontext.Value, error) {
	if tooDeep(patch) {
		return nil, fmt.Errorf("the patch nests deeper than %d objects and lists", maxDepth)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(patch, &members); err != nil || members == nil {
		return nil, errors.New("the patch is not a strict JSON object")
	}
	return members, nil
}

package engine

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/strictjson"
)

// Patched returns the request to update a client to its metadata with a JSON Merge Patch (RFC 7396): null sets a member
// to its default. It returns an *[Error] if the patch is not a strict JSON object, touches a [Reserved] member, or does
// not give valid types.
func (c *Client) Patched(patch []byte) (*Request, error) {
	if kind := jsontext.Value(patch).Kind(); kind != '{' {
		return nil, Refuse("the patch must be a JSON object%s", strictjson.Not(kind))
	}
	if tooDeep(patch) {
		return nil, Refuse("the patch must not nest deeper than %d objects and lists", maxDepth)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(patch, &members); err != nil {
		return nil, Refuse("%s", strictjson.Explain(err, ""))
	}
	for name := range members {
		if Reserved(name) {
			return nil, Refuse("%s cannot be patched: only the server sets it", name)
		}
	}
	after, err := c.Metadata.merged(members)
	if err != nil {
		return nil, err
	}
	if len(after) > maxDocument {
		return nil, Refuse("the patched metadata has %d bytes: at most %d are allowed", len(after), maxDocument)
	}
	return ParseRequest(after)
}

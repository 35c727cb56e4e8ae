package adminapi

import "github.com/go-json-experiment/json"

// Name returns the client_name in the client's metadata, or "" if it has none.
func (c Client) Name() string {
	var metadata struct {
		Name string `json:"client_name"`
	}
	_ = json.Unmarshal(c.Metadata, &metadata) // the server wrote it
	return metadata.Name
}

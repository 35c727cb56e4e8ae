// Package docs holds what of the documentation the server itself publishes.
package docs

import _ "embed"

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the description of the HTTP of both listeners, in YAML.
func OpenAPI() string { return openAPI }

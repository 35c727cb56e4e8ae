package server

import _ "embed"

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the OpenAPI description of both listeners, in YAML. Both serve it at /openapi.yaml.
func OpenAPI() string { return openAPI }

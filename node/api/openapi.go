package api

import _ "embed"

// OpenAPI describes the API for programs: GET /openapi.yaml. Tests hold that it has
// every address with its role, every shape with its fields, and that real answers are
// as it says.
//
//go:embed openapi.yaml
var OpenAPI []byte

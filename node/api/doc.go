// Package api is a node's HTTP interface as both ends see it: the JSON shapes
// that the node's handlers write, and the Client that the command line (and a
// script in Go) calls them with. All paths are below /api/v1.
//
// Errors are {"error": "…"} with a status of 400 (the request is wrong), 401
// (a token is needed), 403 (the token's role does not suffice), 404 (unknown symbol,
// token or address), 409 (not possible in the present state), 429 (too many tries with
// wrong tokens) or 503 (the node is not ready).
package api

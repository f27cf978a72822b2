// Package web serves the operator's page: what Vite makes of the sources in src, which
// the binary has in it when they were built before (make page does that). A binary
// without them answers with a page that says how to get the real one.
//
// The page is a client of the API like any other. It is the same for everybody and holds
// nothing secret, so that whoever is not logged in yet may load it. It loads nothing from
// elsewhere, which its headers enforce.
package web

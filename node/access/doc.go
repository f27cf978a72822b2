// Package access says who may do what on a node's API: the roles that its addresses
// need of a caller.
package access

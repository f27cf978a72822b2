// Package access says who may do what on a node's API.
//
// A caller shows a token in the header Authorization, or has logged in with one and
// shows the session's cookie. The tokens are part of the cluster's replicated state,
// as hashes; the Door of each node is told of them with SetTokens, at once when they
// change. Sessions are the node's own and end with it, with their token, and after
// SessionLife.
//
// While there are no tokens at all the door is open for whoever is on the node's
// machine, and for nobody else.
//
// A request whose credentials end while it is being answered is cut off: its context
// ends with ErrEnded as its cause. Handlers that go on for long need do nothing else.
package access

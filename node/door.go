package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// cookieName is the name of this node's sessions. Browsers share cookies between all
// ports of a host, so nodes on one host have cookies of different names.
func cookieName(node string, listening net.Addr) string {
	_, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return "hedgehog-" + node
	}
	return "hedgehog-" + node + "-" + port
}

// guarded returns what handles an endpoint's requests behind the question who sends
// them.
func (n *Node) guarded(e endpoint) handler {
	if e.role == access.None {
		return e.handle
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		caller := n.door.Caller(r)
		if err := n.refusal(r, caller, e.role); err != nil {
			return err
		}
		ctx, leave := n.door.Enter(r.Context(), caller)
		defer leave()
		err := e.handle(w, r.WithContext(ctx))
		if err != nil && r.Context().Err() == nil && errors.Is(context.Cause(ctx), access.ErrEnded) {
			return &requestError{status: http.StatusUnauthorized, reason: "the token or session has ended while this was carried out: whether it was done is not known"}
		}
		return err
	}
}

// refusal returns why the caller may not do what needs the role, nil if it may.
func (n *Node) refusal(r *http.Request, caller access.Caller, needed access.Role) error {
	if err := n.door.Failed(r, caller); err != nil {
		return err
	}
	switch {
	case caller.Kind == access.Nobody && n.door.IsOpen():
		return &requestError{status: http.StatusForbidden, reason: "without tokens this API answers to localhost and 127.0.0.1 on the node's own machine only: make one there with 'hedgehog token create NAME --role admin'"}
	case caller.Kind == access.Nobody && n.state.Load().Index == 0:
		return fmt.Errorf("%w: the node joins a cluster and does not know yet who may call it", errNotReady)
	case caller.Kind == access.Nobody:
		return &requestError{status: http.StatusUnauthorized, reason: "a token is needed that is valid: give its file to commands with --token-file or HEDGEHOG_TOKEN_FILE, or log in to the page; an admin makes one with 'hedgehog token create'"}
	case !caller.Role.Allows(needed):
		return &requestError{status: http.StatusForbidden, reason: fmt.Sprintf("token %s has the role %s, this needs %s", caller.Name, caller.Role, needed)}
	case caller.Kind != access.WithToken && foreign(r):
		return &requestError{status: http.StatusForbidden, reason: "a page of another site asks for this"}
	}
	return nil
}

// foreign says whether a browser sends the request for a page of another origin. What
// changes something has been looked at before; this is for what is costly to answer.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

// loadTokens has the door go by the tokens that the cluster has. A node that joins one
// knows of none until the cluster has told it.
func (n *Node) loadTokens(s storage.ClusterState) error {
	tokens := make([]access.Token, 0, len(s.Tokens))
	for _, t := range s.Tokens {
		role, err := access.ParseRole(t.Role)
		if err != nil {
			return fmt.Errorf("token %s: %w", t.Name, err)
		}
		token := access.Token{Name: t.Name, Role: role, Hash: t.Hash}
		if t.Expires != 0 {
			token.Expires = t.Expires.Time()
		}
		tokens = append(tokens, token)
	}
	n.door.SetTokens(tokens, s.Index > 0 || len(n.config.Join) == 0)
	return nil
}

// accessOf says for the status who gets in.
func (n *Node) accessOf() string {
	if n.door.IsOpen() {
		return api.AccessOpen
	}
	return api.AccessTokens
}

// sayWhoGetsIn logs what an operator should know of the door.
func (n *Node) sayWhoGetsIn() {
	if n.door.IsOpen() {
		n.log.Info("no tokens: whoever is on this machine may do everything with the API, and nobody else anything (hedgehog token create makes one)")
	}
	if n.config.HTTPCert == "" && !access.IsLoopbackHost(n.listening.String()) {
		n.log.Warn("the API can be reached from other machines without TLS: tokens and sessions can be read on the way (--http-cert and --http-key)", "http", n.listening.String())
	}
}

func (n *Node) getSession(w http.ResponseWriter, r *http.Request) error {
	return answer(w, n.sessionOf(n.door.Caller(r)))
}

func (n *Node) sessionOf(c access.Caller) api.Session {
	s := api.Session{
		Access: string(c.Kind), Role: c.Role.String(), Name: c.Name, Tokens: !n.door.IsOpen(),
		Node: n.config.Name, Version: n.config.Version,
	}
	if !c.Expires.IsZero() {
		s.ExpiresUS = exchange.MicrosOf(c.Expires)
	}
	return s
}

func (n *Node) postSession(w http.ResponseWriter, r *http.Request) error {
	var login api.Login
	if err := readBody(w, r, &login, maxBody); err != nil {
		return err
	}
	if n.door.IsOpen() {
		return fmt.Errorf("%w: there are no tokens yet to log in with", errConflict)
	}
	caller, err := n.door.Login(w, r, login.Token)
	if err != nil {
		n.log.Warn("login refused", "remote", r.RemoteAddr, "error", err)
		return err
	}
	n.log.Info("logged in", "token", caller.Name, "role", caller.Role.String(), "remote", r.RemoteAddr)
	return answer(w, n.sessionOf(caller))
}

func (n *Node) deleteSession(w http.ResponseWriter, r *http.Request) error {
	n.door.Logout(w, r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (n *Node) getTokens(w http.ResponseWriter, r *http.Request) error {
	state, err := n.store.db.ClusterState(r.Context())
	if err != nil {
		return err
	}
	tokens := []api.Token{}
	for _, t := range state.Tokens {
		tokens = append(tokens, api.Token{Name: t.Name, Role: t.Role, CreatedUS: t.Created, ExpiresUS: t.Expires})
	}
	return answer(w, tokens)
}

func (n *Node) postToken(w http.ResponseWriter, r *http.Request) error {
	var request api.NewToken
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	now := n.micros()
	if request.ExpiresUS != 0 && request.ExpiresUS <= now {
		return badRequest("expires_us %d: want a time to come, or 0 for never", request.ExpiresUS)
	}
	secret := access.NewToken()
	made := api.Token{Name: request.Name, Role: request.Role, CreatedUS: now, ExpiresUS: request.ExpiresUS}
	hash := access.HashOf(secret)
	err := n.changeToken(r.Context(), hash, true, storage.TokenChange{
		Name: made.Name, Role: made.Role, Hash: hash, Created: now, Expires: made.ExpiresUS,
	})
	if err != nil {
		return err
	}
	n.log.Info("token made", "token", made.Name, "role", made.Role, "by", by(r))
	return answer(w, api.MadeToken{Token: made, Secret: secret.Text()})
}

func (n *Node) deleteToken(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	state, err := n.store.db.ClusterState(r.Context())
	if err != nil {
		return err
	}
	hash := ""
	for _, t := range state.Tokens {
		if t.Name == name {
			hash = t.Hash
		}
	}
	if hash == "" { // an empty name would be all of them
		return fmt.Errorf("%w: %q: check the spelling", storage.ErrUnknownToken, name)
	}
	if err := n.changeToken(r.Context(), hash, false, storage.TokenChange{Name: name, Revoke: true}); err != nil {
		return err
	}
	n.log.Info("token revoked", "token", name, "by", by(r))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revokeAllTokens opens the door again. Whoever can start a node of the cluster has its
// secret, and so all rights already.
func (n *Node) revokeAllTokens(ctx context.Context) error {
	result, err := n.propose(ctx, storage.Command{Token: &storage.TokenChange{Revoke: true}})
	switch {
	case err == nil:
		n.log.Warn("all tokens have been revoked, as --revoke-tokens asks: start the node without it next time", "revoked", result.Applied)
	case ctx.Err() == nil:
		n.log.Error("tokens not revoked", "error", err)
	}
	return err
}

// by names who has sent the request, for the log.
func by(r *http.Request) string {
	c := access.Of(r.Context())
	if c.Kind == access.Open {
		return "somebody on this machine"
	}
	return "token " + c.Name
}

// tokenPatience is how long a change of tokens may take to come to this node after the
// cluster has it.
const tokenPatience = 2 * time.Second

// changeToken commits the change and waits until this node goes by it too: whether the
// token of that hash is there.
func (n *Node) changeToken(ctx context.Context, hash string, there bool, change storage.TokenChange) error {
	ctx, cancel := n.carryThrough(ctx)
	defer cancel()
	if _, err := n.propose(ctx, storage.Command{Token: &change}); err != nil {
		return err
	}
	// It is decided: a node that is slow to hear of it is no reason to call it failed.
	ctx, cancel = context.WithTimeout(ctx, tokenPatience)
	defer cancel()
	n.door.Await(ctx, hash, there)
	return nil
}

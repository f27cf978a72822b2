package api

import (
	"context"
	"net/http"
	"net/url"

	"hedgehog/exchange"
	"hedgehog/node/access"
)

// Who a node lets in, for Status.Access.
const (
	AccessOpen   = "open"   // there are no tokens: whoever is on the node's machine is admin
	AccessTokens = "tokens" // whoever has one
)

// Session is who the caller is to the node: GET /session, and the answer to a Login.
type Session struct {
	// Access is how the caller has come in: open, token, session, or none.
	Access string `json:"access"`
	Role   string `json:"role"` // none, read, trade or admin
	Name   string `json:"name"` // of the token
	// ExpiresUS is when that ends by itself; 0: never.
	ExpiresUS exchange.Micros `json:"expires_us,omitempty"`
	// Tokens says that there are tokens, so that one is needed to come in.
	Tokens  bool   `json:"tokens"`
	Node    string `json:"node"`
	Version string `json:"version"`
}

// Login begins a session: POST /session. The answer sets its cookie. DELETE /session
// ends it.
type Login struct {
	Token access.Secret `json:"token"`
}

// Token is a token as everybody who may administer sees it: GET /tokens.
type Token struct {
	Name      string          `json:"name"`
	Role      string          `json:"role"` // read, trade or admin
	CreatedUS exchange.Micros `json:"created_us"`
	ExpiresUS exchange.Micros `json:"expires_us,omitempty"` // 0: never
}

// NewToken asks for a token: POST /tokens.
type NewToken struct {
	Name string `json:"name"` // 1 to 63 letters, digits, '.', '_' or '-'
	Role string `json:"role"` // read, trade or admin
	// ExpiresUS is when it ends by itself; 0: never.
	ExpiresUS exchange.Micros `json:"expires_us,omitempty"`
}

// MadeToken is a new token with the secret that nobody can see again.
type MadeToken struct {
	Token
	Secret string `json:"token"`
}

// SetToken has the client show the token with every request. To be set before the
// first call.
func (c *Client) SetToken(token access.Secret) { c.token = token }

// credentials returns the headers that show who the client is.
func (c *Client) credentials() http.Header {
	if c.token == "" {
		return nil
	}
	return http.Header{"Authorization": {"Bearer " + c.token.Text()}}
}

// InTheClear says whether others on the network could read what the client sends.
func (c *Client) InTheClear() bool {
	return c.base.Scheme != "https" && !access.IsLoopbackHost(c.base.Host)
}

// Session returns who the caller is to the node.
func (c *Client) Session(ctx context.Context) (s Session, err error) {
	return s, c.call(ctx, http.MethodGet, "/session", nil, nil, &s)
}

// Tokens returns the cluster's tokens, without their secrets.
func (c *Client) Tokens(ctx context.Context) (t []Token, err error) {
	return t, c.call(ctx, http.MethodGet, "/tokens", nil, nil, &t)
}

// MakeToken makes a token.
func (c *Client) MakeToken(ctx context.Context, r NewToken) (t MadeToken, err error) {
	return t, c.call(ctx, http.MethodPost, "/tokens", nil, r, &t)
}

// RevokeToken revokes a token on every node.
func (c *Client) RevokeToken(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := c.send(ctx, http.MethodDelete, "/tokens/"+url.PathEscape(name), nil, nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// makeToken makes a token and returns its secret.
func (r *running) makeToken(t testing.TB, name, role string) access.Secret {
	t.Helper()
	made, err := r.MakeToken(t.Context(), api.NewToken{Name: name, Role: role})
	if err != nil {
		t.Fatalf("make token %s: %v", name, err)
	}
	if made.Name != name || made.Role != role || !access.LooksLikeToken(made.Secret) {
		t.Fatalf("made the token %+v", made.Token)
	}
	return access.Secret(made.Secret)
}

// with returns a client of the node that shows the token.
func (r *running) with(t *testing.T, token access.Secret) *api.Client {
	t.Helper()
	c, err := api.NewClient(r.node.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetToken(token)
	return c
}

// refusedWith says whether the error is an answer of that status.
func refusedWith(err error, status int) bool {
	s, ok := errors.AsType[*api.StatusError](err)
	return ok && s.Status == status
}

func TestTokensCountOnEveryNodeAndEndAtOnce(t *testing.T) {
	c := newTeam(t, quietMarket(t), "n1", "n2", "n3")
	n1, n2, n3 := c.members["n1"], c.members["n2"], c.members["n3"]
	if s, err := n3.Status(t.Context()); err != nil || s.Access != api.AccessOpen {
		t.Fatalf("access %q, %v; want open", s.Access, err)
	}
	root := n1.makeToken(t, "root", "admin")
	admin1, admin2 := n1.with(t, root), n2.with(t, root)
	if s, err := admin1.Session(t.Context()); err != nil || s.Access != "token" || s.Role != "admin" || s.Name != "root" {
		t.Fatalf("session with the new token: %+v, %v", s, err)
	}
	made, err := admin2.MakeToken(t.Context(), api.NewToken{Name: "eye", Role: "read"})
	if err != nil {
		t.Fatal(err)
	}
	eye := n3.with(t, access.Secret(made.Secret))
	waitFor(t, "the token on another node", func() (api.Session, bool) {
		s, err := eye.Session(t.Context())
		return s, err == nil && s.Role == "read"
	})
	if _, err := n3.Status(t.Context()); !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("status without a token: %v, want 401", err)
	}
	if s, err := eye.Status(t.Context()); err != nil || s.Access != api.AccessTokens {
		t.Errorf("status with a token: %q, %v", s.Access, err)
	}
	if _, err := eye.Change(t.Context(), "XRPUSDT", api.Change{Streaming: ptr(true)}); !refusedWith(err, http.StatusForbidden) || !strings.Contains(err.Error(), "eye") {
		t.Errorf("change with the role read: %v, want 403 that names the token", err)
	}
	watched := make(chan error, 1)
	go func() { watched <- eye.Watch(t.Context(), "TRADE_EVENTS:XRPUSDT", func([]byte) error { return nil }) }()
	began := time.Now()
	if err := admin1.RevokeToken(t.Context(), "eye"); err != nil {
		t.Fatal(err)
	}
	// It may have been revoked before the watch began: 401, else the watch ends.
	if err := <-watched; err != nil && !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("watch ended with %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the watch went on for %s", took)
	}
	if _, err := eye.Status(t.Context()); !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("status with a revoked token: %v, want 401", err)
	}
	tokens := waitFor(t, "the third node to hear of it", func() ([]api.Token, bool) {
		tokens, err := admin2.Tokens(t.Context())
		return tokens, err == nil && len(tokens) == 1
	})
	if tokens[0].Name != "root" {
		t.Errorf("tokens %+v, want root alone", tokens)
	}
}

func TestWhoFollowsLiveIsToldThatTheTokenIsRevoked(t *testing.T) {
	n := startNode(t, func(c *node.Config) { c.Exchange = quietMarket(t).url })
	admin := n.with(t, n.makeToken(t, "root", "admin"))
	made, err := admin.MakeToken(t.Context(), api.NewToken{Name: "eye", Role: "read"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.with(t, "hh_wrong").Live(t.Context()); !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("live with a wrong token: %v, want 401", err)
	}
	followed, err := n.with(t, access.Secret(made.Secret)).Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer followed.Close()
	if _, err := followed.Next(); err != nil {
		t.Fatal(err)
	}
	if err := admin.RevokeToken(t.Context(), "eye"); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = followed.Next()
	}
	if !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("live ended with %v, want 401", err)
	}
}

func TestTokensSurviveARestart(t *testing.T) {
	m, dir := quietMarket(t), t.TempDir()
	n := startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	root := n.makeToken(t, "root", "admin")
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n = startNodeWith(t, root, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	if _, err := n.with(t, "").Status(t.Context()); !refusedWith(err, http.StatusUnauthorized) {
		t.Errorf("status without a token after a restart: %v, want 401", err)
	}
	if err := n.RevokeToken(t.Context(), "root"); err != nil {
		t.Errorf("revoke the last token: %v", err)
	}
	if s, err := n.with(t, "").Status(t.Context()); err != nil || s.Access != api.AccessOpen {
		t.Errorf("after the last token is gone: %q, %v; want open", s.Access, err)
	}
}

func TestWhoHasLostTheLastTokenStartsANodeThatRevokesAll(t *testing.T) {
	m, dir := quietMarket(t), t.TempDir()
	n := startNode(t, func(c *node.Config) { c.Exchange, c.DataDir = m.url, dir })
	n.makeToken(t, "root", "admin")
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n = startNode(t, func(c *node.Config) { c.Exchange, c.DataDir, c.RevokeTokens = m.url, dir, true })
	if tokens, err := n.Tokens(t.Context()); err != nil || len(tokens) != 0 {
		t.Errorf("tokens %+v, %v; want none", tokens, err)
	}
}

func TestWrongRequestsForTokensAreRefused(t *testing.T) {
	n := startNode(t, func(c *node.Config) { c.Exchange = quietMarket(t).url })
	makes := func(r api.NewToken) func(context.Context) error {
		return func(ctx context.Context) error { _, err := n.MakeToken(ctx, r); return err }
	}
	revoke := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return n.RevokeToken(ctx, name) }
	}
	past := exchange.MicrosOf(time.Now().Add(-time.Hour))
	for _, tt := range []struct {
		name   string
		ask    func(context.Context) error
		status int
		says   string
	}{
		{"the first is no admin", makes(api.NewToken{Name: "bot", Role: "trade"}), 409, "admin"},
		{"no role", makes(api.NewToken{Name: "root", Role: "none"}), 400, `"none"`},
		{"no name", makes(api.NewToken{Role: "admin"}), 400, "name"},
		{"a name with a blank", makes(api.NewToken{Name: "a b", Role: "admin"}), 400, `"a b"`},
		{"expired", makes(api.NewToken{Name: "root", Role: "admin", ExpiresUS: past}), 400, "expires_us"},
		{"revoke what is not there", revoke("bot"), 404, "bot"},
		{"revoke nothing in particular", revoke(""), 404, ""},
	} {
		if err := tt.ask(t.Context()); !refusedWith(err, tt.status) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %d that says %q", tt.name, err, tt.status, tt.says)
		}
	}
	if _, err := n.Status(t.Context()); err != nil {
		t.Errorf("status afterwards: %v", err)
	}
}

// send sends a request to the node as a browser does, and returns the status.
func (r *running) send(t *testing.T, browser *http.Client, method, path string, body any) int {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://%s/api/v1%s", r.node.Address(), path), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestTheLoginOfAPage(t *testing.T) {
	n := startNode(t, func(c *node.Config) { c.Exchange = quietMarket(t).url })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	if got := n.send(t, browser, http.MethodPost, "/session", api.Login{Token: "hh_any"}); got != http.StatusConflict {
		t.Errorf("login before there are tokens: %d, want 409", got)
	}
	root := n.makeToken(t, "root", "admin")
	for _, step := range []struct {
		what, method, path string
		body               any
		want               int
	}{
		{"before the login", http.MethodGet, "/status", nil, 401},
		{"who am I", http.MethodGet, "/session", nil, 200},
		{"a wrong token", http.MethodPost, "/session", api.Login{Token: "hh_wrong"}, 401},
		{"no JSON", http.MethodPost, "/session", "token", 400},
		{"the login", http.MethodPost, "/session", api.Login{Token: root}, 200},
		{"after the login", http.MethodGet, "/status", nil, 200},
		{"a change", http.MethodPatch, "/symbols/XRPUSDT", api.Change{Streaming: ptr(false)}, 200},
		{"the logout", http.MethodDelete, "/session", nil, 204},
		{"after the logout", http.MethodGet, "/status", nil, 401},
	} {
		if got := n.send(t, browser, step.method, step.path, step.body); got != step.want {
			t.Errorf("%s: %d, want %d", step.what, got, step.want)
		}
	}
	for range 10 {
		n.send(t, browser, http.MethodPost, "/session", api.Login{Token: "hh_wrong"})
	}
	if got := n.send(t, browser, http.MethodPost, "/session", api.Login{Token: root}); got != http.StatusTooManyRequests {
		t.Errorf("login after many wrong ones: %d, want 429", got)
	}
}

func TestAnotherSitesPageGetsNothing(t *testing.T) {
	n := startNode(t, func(c *node.Config) { c.Exchange = quietMarket(t).url })
	for _, path := range []string{"/status", "/trials/trades/x?symbol=XRPUSDT&first=1&count=1"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s/api/v1%s", n.node.Address(), path), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s for another site's page: %d, want 403", path, answer.StatusCode)
		}
	}
}

// A node that joins a cluster has not heard of its tokens yet, and must not take that
// for there being none: what it is asked it would ask the others.
func TestANodeThatJoinsIsNotOpenBeforeItKnowsTheTokens(t *testing.T) {
	config := node.DefaultConfig()
	config.HTTP, config.DataDir, config.Exchange = "127.0.0.1:0", t.TempDir(), quietMarket(t).url
	config.Join = []string{"127.0.0.1:1"} // where nobody is
	n, err := node.New(config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	waitFor(t, "the node to listen", func() (bool, bool) { return true, n.Address() != nil })
	client, err := api.NewClient(n.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(t.Context()); !refusedWith(err, http.StatusServiceUnavailable) {
		t.Errorf("status of a node that joins: %v, want 503", err)
	}
	if s, err := client.Session(t.Context()); err != nil || s.Role != "none" {
		t.Errorf("session at a node that joins: %+v, %v; want the role none", s, err)
	}
}

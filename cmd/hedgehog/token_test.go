package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// tokenNode answers what is asked about tokens, and remembers what came with it.
type tokenNode struct {
	url     string
	secret  access.Secret // of the token that it makes
	tokens  []api.Token
	asked   api.NewToken
	revoked string
	shown   string // the latest Authorization
	refuses bool
}

func newTokenNode(t *testing.T) *tokenNode {
	t.Helper()
	n := &tokenNode{secret: access.NewToken()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/tokens", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, n.tokens) })
	mux.HandleFunc("POST /api/v1/tokens", func(w http.ResponseWriter, r *http.Request) {
		if n.refuses {
			answer(w, http.StatusConflict, api.Problem{Error: "not possible now: the first token has to be of the role admin"})
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&n.asked); err != nil {
			t.Errorf("body: %v", err)
		}
		answer(w, http.StatusOK, api.MadeToken{Token: api.Token{Name: n.asked.Name, Role: n.asked.Role, CreatedUS: noon}, Secret: n.secret.Text()})
	})
	mux.HandleFunc("DELETE /api/v1/tokens/{name}", func(w http.ResponseWriter, r *http.Request) {
		n.revoked = r.PathValue("name")
		w.WriteHeader(http.StatusNoContent)
	})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.shown = r.Header.Get("Authorization")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	n.url = srv.URL
	t.Setenv("HEDGEHOG_NODE", n.url)
	return n
}

// checkRefused is checkFailure for a part of the text.
func checkRefused(t testing.TB, r result, code int, says string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stderr, says) || r.stdout != "" {
		t.Errorf("exit code %d, printed %q and %q; want %d and %q", r.code, r.stdout, r.stderr, code, says)
	}
}

func TestATokenIsPrintedOrKeptInAFileThatNobodyElseReads(t *testing.T) {
	n := newTokenNode(t)
	if got := mustHedgehog(t, "token", "create", "root", "--role", "admin"); got != n.secret.Text()+"\n" {
		t.Errorf("printed %q, want the token alone", got)
	}
	if n.asked != (api.NewToken{Name: "root", Role: "admin"}) {
		t.Errorf("asked for %+v", n.asked)
	}
	path := filepath.Join(t.TempDir(), "guest.token")
	before := time.Now()
	got := mustHedgehog(t, "token", "create", "guest", "--role", "trade", "--expires", "2d", "--out", path)
	if strings.Contains(got, n.secret.Text()) || !strings.Contains(got, path) {
		t.Errorf("printed %q, want where the token is and not the token", got)
	}
	if kept, err := access.ReadFile(path); err != nil || kept != n.secret {
		t.Errorf("the file holds the token: %t, %v", kept == n.secret, err)
	}
	if in := n.asked.ExpiresUS.Time().Sub(before); in < 48*time.Hour-time.Second || in > 49*time.Hour {
		t.Errorf("it expires in %s, want 48h", in)
	}
	r := hedgehog(t.Context(), "token", "create", "other", "--role", "read", "--out", path)
	if checkRefused(t, r, exitFailure, "--out "+path); n.asked.Name == "other" {
		t.Error("a token was made that has no place")
	}
	n.refuses = true
	path = filepath.Join(t.TempDir(), "refused.token")
	checkRefused(t, hedgehog(t.Context(), "token", "create", "bot", "--role", "trade", "--out", path), exitFailure, "the first token has to be of the role admin")
	if _, err := os.Stat(path); err == nil {
		t.Error("the file of a token that was not made is left")
	}
}

func TestTokensAreListedAndRevoked(t *testing.T) {
	n := newTokenNode(t)
	if got := mustHedgehog(t, "token", "list"); !strings.Contains(got, "no tokens") {
		t.Errorf("printed %q, want that there are none", got)
	}
	n.tokens = []api.Token{{Name: "guest", Role: "trade", CreatedUS: noon, ExpiresUS: noon + exchange.Micros(time.Hour/time.Microsecond)}, {Name: "root", Role: "admin", CreatedUS: noon}}
	checkGolden(t, "token_list", mustHedgehog(t, "token", "list"))
	if got := mustHedgehog(t, "token", "revoke", "guest"); n.revoked != "guest" || got != "guest is revoked\n" {
		t.Errorf("revoked %q, printed %q", n.revoked, got)
	}
}

func TestCommandsShowTheTokenThatTheyAreGiven(t *testing.T) {
	n := newTokenNode(t)
	token, dir := access.NewToken(), t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", token.Text()+"\n", 0o600)
	for name, tt := range map[string]struct {
		args         []string
		file, direct string // the variables
		fails        string
	}{
		"a flag":                 {args: []string{"--token-file", good}},
		"the file's variable":    {file: good},
		"the variable":           {direct: token.Text()},
		"two":                    {file: good, direct: token.Text(), fails: "want one"},
		"a file that is missing": {file: filepath.Join(dir, "none"), fails: "no such file"},
		"a file for all to read": {file: file("exposed", token.Text(), 0o644), fails: "chmod 600"},
		"a file of other things": {file: file("other", "password", 0o600), fails: "holds no token"},
		"no token at all":        {direct: "password", fails: "holds no token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HEDGEHOG_TOKEN_FILE", tt.file)
			t.Setenv("HEDGEHOG_TOKEN", tt.direct)
			n.shown = ""
			r := hedgehog(t.Context(), append([]string{"token", "list"}, tt.args...)...)
			switch {
			case tt.fails != "":
				checkRefused(t, r, exitFailure, tt.fails)
			case r.code != exitOK || n.shown != "Bearer "+token.Text():
				t.Errorf("exit code %d, shown the token: %t; %s", r.code, n.shown != "", r.stderr)
			}
			if strings.Contains(r.stderr+r.stdout, token.Text()) || strings.Contains(r.stderr, "password") {
				t.Error("the token shows itself")
			}
		})
	}
}

func TestWrongUsageOfTokens(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"token create", "which token?"},
		{"token create a b --role read", "one token's name"},
		{"token create a", "role \"\""},
		{"token create a --role root", "role \"root\""},
		{"token create a --role read --expires soon", "--expires"},
		{"token revoke", "which token?"},
		{"token revoke " + access.NewToken().Text(), "better revoke it"},
		{"token list a", "token list"},
	} {
		checkRefused(t, hedgehog(t.Context(), strings.Fields(test.args)...), exitUsage, test.says)
	}
}

func TestAWarningTellsOfATokenThatOthersCanRead(t *testing.T) {
	for node, want := range map[string]bool{
		"http://192.0.2.1:8080": true, "node.example:8080": true, "https://192.0.2.1:8080": false, "127.0.0.1:8080": false, "http://[::1]:8080": false, "localhost": false,
	} {
		c, err := api.NewClient(node)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.InTheClear(); got != want {
			t.Errorf("%s in the clear: %t, want %t", node, got, want)
		}
	}
}

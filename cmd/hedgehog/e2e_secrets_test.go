package main_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	secret "hedgehog/cluster/peer"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// planted are secrets by what they are; none may show itself anywhere.
type planted map[string]string

// check looks for the secrets in a text.
func (p planted) check(t *testing.T, where string, text []byte) {
	t.Helper()
	for name, value := range p {
		if bytes.Contains(text, []byte(value)) {
			t.Errorf("the %s is in %s", name, where)
		}
	}
}

// A node that has been given all kinds of secrets, and that is asked everything with
// them and with wrong ones, shows none of them.
func TestNoSecretShowsItself(t *testing.T) {
	shared, err := secret.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	secrets := planted{
		"API key": "planted-api-key-d41d8cd98f00", "API secret": "planted-api-secret-b204e9800998",
		"cluster's secret": shared.Text(), "wrong token": access.NewToken().Text(),
	}
	dir, data := t.TempDir(), t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	market := launchExchange(t, "--listen", "127.0.0.1:0", "--symbols", symbol)
	defer market.kill()
	// The exchange does not know the key: what is signed fails, and errors tell of it.
	node := launchAt(t, place{env: []string{
		"HEDGEHOG_API_KEY_FILE=" + file("key", secrets["API key"]), "HEDGEHOG_API_SECRET=" + secrets["API secret"],
	}}, "node", "--name", "e2e", "--data-dir", data, "--exchange", market.url, "--http", "127.0.0.1:0",
		"--secret-file", file("secret", shared.Text()+"\n"), "--log-level", "debug")
	url := node.await("node started")["http"].(string)
	out := []byte(must(t, "status", "--wait", "30s", "--node", url))

	tokenFile := filepath.Join(dir, "root.token")
	out = append(out, must(t, "token", "create", "root", "--role", "admin", "--out", tokenFile, "--node", url)...)
	token, err := access.ReadFile(tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	secrets["token"] = token.Text()
	wrongFile := file("wrong.token", secrets["wrong token"])
	refused := run(t, "status", "--node", url, "--token-file", wrongFile)
	if refused.code == 0 {
		t.Error("a wrong token is let in")
	}
	out = append(out, refused.stdout+refused.stderr...)
	for _, command := range []string{"stream start " + symbol, "trade start " + symbol, "status", "status --json", "token list", "trade settings " + symbol, "cluster status", "cluster events"} {
		out = append(out, must(t, append(strings.Fields(command), "--node", url, "--token-file", tokenFile)...)...)
	}
	node.await("part started")

	site := site{t: t, url: url, secrets: secrets}
	secrets["session"] = site.login(token)
	site.send("POST", "/api/v1/session", fmt.Sprintf(`{"token":%q}`, secrets["wrong token"]))
	site.send("POST", "/api/v1/session", fmt.Sprintf(`{"%s":1}`, "x"))
	site.askAll()
	secrets.check(t, "what commands print", out)
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", node.command.Process.Pid)) // which ps shows
	if err != nil || !bytes.Contains(line, []byte(data)) {
		t.Errorf("command line %q, %v", line, err)
	}
	secrets.check(t, "the node's command line", line)
	node.end(os.Interrupt)
	log := strings.Join(node.lines(), "\n")
	if !strings.Contains(log, "login refused") || !strings.Contains(log, "token made") {
		t.Error("the log says nothing of tokens: was it the right one?")
	}
	secrets.check(t, "the log", []byte(log))
	checkFiles(t, data, secrets)
}

// checkFiles looks for the secrets in all files of the data directory.
func checkFiles(t *testing.T, dir string, secrets planted) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		secrets.check(t, path, content)
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of the data directory looked at: %v", files, err)
	}
}

// site is the node as a browser sees it.
type site struct {
	t       *testing.T
	url     string
	secrets planted
	cookie  *http.Cookie
}

// login returns the session's secret.
func (s *site) login(token access.Secret) string {
	s.t.Helper()
	answer, err := http.Post(s.url+"/api/v1/session", "application/json", strings.NewReader(fmt.Sprintf(`{"token":%q}`, token.Text())))
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 1 {
		s.t.Fatalf("login: %d %s, %v", answer.StatusCode, body, err)
	}
	s.cookie = answer.Cookies()[0]
	if s.secrets.check(s.t, "the answer to the login", body); bytes.Contains(body, []byte(s.cookie.Value)) {
		s.t.Error("the session is in the answer's body, where scripts can read it")
	}
	return s.cookie.Value
}

// send sends a request of the session's and looks for secrets in the answer. It
// returns the status and the answer.
func (s *site) send(method, path, body string) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.AddCookie(s.cookie)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.secrets.check(s.t, method+" "+path, content)
	return answer.StatusCode, content
}

// askAll gets all that can be got, but for what goes on and on.
func (s *site) askAll() {
	s.t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		s.t.Fatal(err)
	}
	answered := 0
	for path, item := range document.Paths.Map() {
		switch path {
		case "/api/v1/watch", "/api/v1/live", "/debug/pprof/profile", "/debug/pprof/trace":
			continue
		}
		if item.Get == nil {
			continue
		}
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, symbol)
		status, _ := s.send("GET", path+"?symbol="+symbol+"&limit=1000&all=true", "")
		if status == http.StatusOK {
			answered++
		}
	}
	if answered < 15 {
		s.t.Errorf("%d addresses have answered, want most", answered)
	}
	for _, profile := range []string{"goroutine?debug=2", "heap?debug=1", "allocs?debug=1"} {
		if status, _ := s.send("GET", "/debug/pprof/"+profile, ""); status != http.StatusOK {
			s.t.Errorf("profile %s: %d", profile, status)
		}
	}
	_, page := s.send("GET", "/", "")
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllSubmatch(page, -1) {
		s.send("GET", string(asset[1]), "")
	}
}

package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"hedgehog/node"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// address is one of the API, as it is described.
type address struct {
	method, path string
	operation    *openapi3.Operation
}

// allAddresses returns the addresses of the API in a fixed order.
func allAddresses(t testing.TB) []address {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var all []address
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			all = append(all, address{method, path, operation})
		}
	}
	slices.SortFunc(all, func(a, b address) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// goesOn says whether an answer may take as long as its caller likes.
func (a address) goesOn() bool {
	return slices.Contains([]string{"/api/v1/watch", "/api/v1/live", "/api/v1/replay", "/debug/pprof/profile", "/debug/pprof/trace"}, a.path)
}

var (
	badTexts = []string{"", "-1", "0", "99999999999999999999", "NaN", "1e999", "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe", "'; DROP TABLE tokens; --", "*", "[", strings.Repeat("A", 5000)}
	badJSON  = []string{`null`, `""`, `-1`, `1e400`, `1e999999999`, `"1e999999999"`, `"-1e-999999999"`, `"NaN"`, `"99999999999999999999"`, `true`, `[]`, `{}`, `"\u0000"`, `"\ud800"`,
		`[[[]]]`, `"` + strings.Repeat("9", 30_000) + `"`, `["*","[","?"]`, `9223372036854775807`, `-9223372036854775808`}
	badBodies = []string{"", "{", "null", "[]", "1", `"x"`, `{}{}`, `{"x":1}`, "\x00\xff", strings.Repeat("[", 20_000), `{"` + strings.Repeat("x", 70_000) + `":1}`}
)

// seeds are bad queries and bodies for one address: each value in turn is bad, and the
// others are good.
func (a address) seeds(add func(segment, query, body string)) {
	for _, text := range badTexts {
		add(text, "", "{}")
	}
	for _, p := range a.operation.Parameters {
		for _, text := range badTexts {
			add("XRPUSDT", "symbol=XRPUSDT&"+p.Value.Name+"="+url.QueryEscape(text), "")
		}
	}
	if a.operation.RequestBody == nil {
		return
	}
	for _, body := range badBodies {
		add("XRPUSDT", "", body)
	}
	content := a.operation.RequestBody.Value.Content.Get("application/json")
	if content == nil {
		return
	}
	good := map[string]string{"symbol": `"XRPUSDT"`, "symbols": `["XRPUSDT"]`, "node": `"n1"`, "name": `"x"`, "role": `"read"`, "token": `"hh_x"`, "dry_run": "true"}
	for bad := range content.Schema.Value.Properties {
		for _, value := range badJSON {
			fields := []string{fmt.Sprintf("%q:%s", bad, value)}
			for name := range content.Schema.Value.Properties {
				if name != bad && good[name] != "" {
					fields = append(fields, fmt.Sprintf("%q:%s", name, good[name]))
				}
			}
			slices.Sort(fields)
			add("XRPUSDT", "", "{"+strings.Join(fields, ",")+"}")
		}
	}
}

// besieged starts a node that trades, with a token that may do everything.
func besieged(tb testing.TB) (*running, access.Secret) {
	tb.Helper()
	m := quietMarket(tb)
	n := startNode(tb, func(c *node.Config) { c.Exchange = m.url })
	if _, err := n.Change(tb.Context(), "XRPUSDT", everything()); err != nil {
		tb.Fatal(err)
	}
	waitForStream(tb, n)
	m.pass(tb, 1, "0.5")
	return n, n.makeToken(tb, "root", "admin")
}

// A node answers what it can't do with what is wrong, never with a fault of its own, and
// goes on.
func TestBadRequestsAreNoFaultOfTheNodes(t *testing.T) {
	n, root := besieged(t)
	for _, a := range allAddresses(t) {
		a.seeds(func(segment, query, body string) { n.survives(t, a, root, segment, query, []byte(body)) })
	}
}

// FuzzRequests sends a node whatever may come. It begins with some of the bad requests
// of the test above: all of them would take a minute to measure.
func FuzzRequests(f *testing.F) {
	all := allAddresses(f)
	n, root := besieged(f)
	count := 0
	for which, a := range all {
		a.seeds(func(segment, query, body string) {
			if count++; count%20 == 0 {
				f.Add(uint16(which), segment, query, []byte(body))
			}
		})
	}
	f.Fuzz(func(t *testing.T, which uint16, segment, query string, body []byte) {
		a := all[int(which)%len(all)]
		n.survives(t, a, root, segment, query, body)
	})
}

// survives sends one request.
func (r *running) survives(t *testing.T, a address, token access.Secret, segment, query string, body []byte) {
	t.Helper()
	limit := 20 * time.Second // more than any answer takes
	if a.goesOn() {
		limit = 50 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	before, after, _ := strings.Cut(a.path, "{")
	_, after, placed := strings.Cut(after, "}")
	path := before
	if placed {
		path += url.PathEscape(segment) + after
	}
	request, err := http.NewRequestWithContext(ctx, a.method, "http://"+r.node.Address().String()+path, bytes.NewReader(body))
	if err != nil {
		t.Skip("no client sends this")
	}
	request.URL.RawQuery = printable(query)
	request.Header.Set("Authorization", "Bearer "+token.Text())
	answer, err := http.DefaultClient.Do(request)
	if err == nil {
		defer answer.Body.Close()
		body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	}
	switch {
	case ctx.Err() != nil && a.goesOn():
		return
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		t.Fatalf("%s %s is not answered: %v", a.method, request.URL, err)
	case answer.StatusCode >= 500 && answer.StatusCode != http.StatusServiceUnavailable:
		t.Errorf("%s %s is answered with %d %.500s", a.method, request.URL, answer.StatusCode, body)
	case answer.StatusCode >= 400 && strings.HasPrefix(a.path, "/api/"):
		var p api.Problem
		if err := json.Unmarshal(body, &p); err != nil || p.Error == "" || strings.Contains(p.Error, "goroutine ") || strings.Contains(p.Error, ".go:") {
			t.Errorf("%s %s is refused with %.500s", a.method, request.URL, body)
		}
	}
}

// printable has the characters encoded that no client puts into a query.
func printable(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c == '#' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

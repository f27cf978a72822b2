package node

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/node/web"
)

// described returns the roles of the addresses that the API's description has, by
// method and path.
func described(t *testing.T) map[string]string {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	roles := make(map[string]string)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			role, _ := operation.Extensions["x-role"].(string)
			roles[method+" "+path] = role
			if open := operation.Security != nil && len(*operation.Security) == 0; open != (role == access.None.String()) {
				t.Errorf("%s %s needs the role %q, and is open to all: %t", method, path, role, open)
			}
		}
	}
	return roles
}

// addresses returns the endpoints that are to be described: all but the page, which is
// no part of the API, and what is answered with that there is nothing.
func addresses() []endpoint {
	return slices.DeleteFunc(new(Node).endpoints(), func(e endpoint) bool {
		return !strings.Contains(e.pattern, " ") || slices.Contains(web.Patterns(), e.pattern)
	})
}

func TestTheDescriptionHasEveryAddressWithItsRole(t *testing.T) {
	roles := described(t)
	for _, e := range addresses() {
		role, ok := roles[e.pattern]
		if !ok {
			t.Errorf("%s is not described", e.pattern)
		} else if role != e.role.String() {
			t.Errorf("%s is described as for the role %q and needs %s", e.pattern, role, e.role)
		}
		delete(roles, e.pattern)
	}
	for address := range roles {
		t.Errorf("%s is described and does not exist", address)
	}
}

// Every address is asked by somebody with no token, and by the holders of tokens of
// each role, before its handler has a say.
func TestEveryAddressIsGuardedAsTheTableSays(t *testing.T) {
	n := doorOnly(t, access.Read, access.Trade, access.Admin)
	endpoints := n.endpoints()
	for i := range endpoints {
		endpoints[i].handle = func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		}
		endpoints[i].handle = n.guarded(endpoints[i])
	}
	mux := http.NewServeMux()
	n.route(mux, endpoints)
	for _, e := range addresses() {
		method, path, _ := strings.Cut(e.pattern, " ")
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
		for _, has := range []access.Role{access.None, access.Read, access.Trade, access.Admin} {
			r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, nil)
			r.RemoteAddr = "127.0.0.1:50000"
			if has != access.None {
				r.Header.Set("Authorization", "Bearer hh_"+has.String())
			}
			answer := httptest.NewRecorder()
			mux.ServeHTTP(answer, r)
			want := http.StatusTeapot
			switch {
			case has.Allows(e.role):
			case has == access.None:
				want = http.StatusUnauthorized
			default:
				want = http.StatusForbidden
			}
			if answer.Code != want {
				t.Errorf("%s with the role %s: %d, want %d", e.pattern, has, answer.Code, want)
			}
		}
	}
}

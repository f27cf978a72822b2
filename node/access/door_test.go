package access_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hedgehog/node/access"
)

// world is a door with a clock that the test holds.
type world struct {
	*access.Door
	time time.Time
}

// newWorld has a token of each role, named for it.
func newWorld() *world {
	w := &world{time: time.Unix(1_800_000_000, 0)}
	w.Door = access.New("hedgehog-n1-8080", func() time.Time { return w.time })
	w.SetTokens(tokensOf(access.Read, access.Trade, access.Admin), true)
	return w
}

func secretOf(role access.Role) access.Secret { return access.Secret("hh_" + role.String()) }

func tokensOf(roles ...access.Role) (tokens []access.Token) {
	for _, role := range roles {
		tokens = append(tokens, access.Token{Name: role.String(), Role: role, Hash: access.HashOf(secretOf(role))})
	}
	return tokens
}

// request is one from this machine, with the token unless that is empty.
func request(token access.Secret) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/api/v1/status", nil)
	r.RemoteAddr = "127.0.0.1:50000"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Text())
	}
	return r
}

// login begins a session and returns a request that shows it.
func (w *world) login(t *testing.T, token access.Secret) (*http.Request, *http.Cookie) {
	t.Helper()
	answer := httptest.NewRecorder()
	if _, err := w.Login(answer, request(""), token); err != nil {
		t.Fatalf("login: %v", err)
	}
	cookies := answer.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v, want one", cookies)
	}
	r := request("")
	r.AddCookie(cookies[0])
	return r, cookies[0]
}

func TestATokenGivesItsRole(t *testing.T) {
	w := newWorld()
	for _, role := range []access.Role{access.Read, access.Trade, access.Admin} {
		if c := w.Caller(request(secretOf(role))); c.Kind != access.WithToken || c.Role != role || c.Name != role.String() {
			t.Errorf("token %s: %+v", role, c)
		}
	}
	for name, r := range map[string]*http.Request{
		"none": request(""), "a wrong one": request("hh_wrong"), "its hash": request(access.Secret(access.HashOf(secretOf(access.Admin)))),
	} {
		if c := w.Caller(r); c.Kind != access.Nobody || c.Role != access.None {
			t.Errorf("%s: %+v, want nobody", name, c)
		}
	}
}

func TestWithoutTokensTheDoorIsOpenToThisMachineAlone(t *testing.T) {
	w := newWorld()
	w.SetTokens(nil, true)
	for name, tt := range map[string]struct {
		change func(*http.Request)
		want   access.Kind
	}{
		"this machine":                   {func(*http.Request) {}, access.Open},
		"by name":                        {func(r *http.Request) { r.Host = "localhost:8080" }, access.Open},
		"IPv6":                           {func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]:8080", "[::1]:50000" }, access.Open},
		"IPv6 without port":              {func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]", "[::1]:50000" }, access.Open},
		"a token that was revoked":       {func(r *http.Request) { r.Header.Set("Authorization", "Bearer hh_old") }, access.Open},
		"another machine":                {func(r *http.Request) { r.RemoteAddr = "192.0.2.7:50000" }, access.Nobody},
		"a name made to point here":      {func(r *http.Request) { r.Host = "evil.example:8080" }, access.Nobody},
		"what a proxy passes on":         {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") }, access.Nobody},
		"what another proxy passes on":   {func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.7") }, access.Nobody},
		"an address that is none at all": {func(r *http.Request) { r.RemoteAddr = "@" }, access.Nobody},
	} {
		r := request("")
		tt.change(r)
		if c := w.Caller(r); c.Kind != tt.want || c.Role.Allows(access.Admin) != (tt.want == access.Open) {
			t.Errorf("%s: %+v, want %s", name, c, tt.want)
		}
	}
	w.SetTokens(nil, false)
	if c := w.Caller(request("")); c.Kind != access.Nobody || w.IsOpen() {
		t.Errorf("before the tokens are known: %+v, want nobody", c)
	}
}

func TestASessionIsItsToken(t *testing.T) {
	w := newWorld()
	r, cookie := w.login(t, secretOf(access.Trade))
	if c := w.Caller(r); c.Kind != access.WithSession || c.Role != access.Trade || c.Name != "trade" {
		t.Errorf("session: %+v", c)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.Path != "/" || strings.Contains(cookie.Value, "hh_") {
		t.Errorf("cookie %+v", cookie)
	}
	answer := httptest.NewRecorder()
	w.Logout(answer, r)
	if c := w.Caller(r); c.Kind != access.Nobody {
		t.Errorf("after the logout: %+v", c)
	}
	if cookies := answer.Result().Cookies(); len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("the logout leaves the cookies %v", cookies)
	}
}

func TestTheCookieStaysOnTLS(t *testing.T) {
	w := newWorld()
	answer := httptest.NewRecorder()
	r := request("")
	r.Header.Set("X-Forwarded-Proto", "https")
	if _, err := w.Login(answer, r, secretOf(access.Read)); err != nil {
		t.Fatal(err)
	}
	if cookie := answer.Result().Cookies()[0]; !cookie.Secure {
		t.Errorf("cookie %+v, want it to be secure", cookie)
	}
}

func TestCredentialsEndWithTheirTime(t *testing.T) {
	w := newWorld()
	short := tokensOf(access.Read, access.Admin)
	short[0].Expires = w.time.Add(time.Hour)
	w.SetTokens(short, true)
	ofShort, _ := w.login(t, secretOf(access.Read))
	ofLong, _ := w.login(t, secretOf(access.Admin))
	w.time = w.time.Add(time.Hour)
	for name, r := range map[string]*http.Request{"token": request(secretOf(access.Read)), "session of the token": ofShort} {
		if c := w.Caller(r); c.Kind != access.Nobody {
			t.Errorf("%s after its time: %+v", name, c)
		}
	}
	if c := w.Caller(ofLong); c.Kind != access.WithSession {
		t.Errorf("session before its time: %+v", c)
	}
	w.time = w.time.Add(access.SessionLife)
	if c := w.Caller(ofLong); c.Kind != access.Nobody {
		t.Errorf("session after its time: %+v", c)
	}
}

// ended waits for the context to end and returns why.
func ended(t *testing.T, ctx context.Context) error {
	t.Helper()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(10 * time.Second):
		t.Fatal("the request goes on")
		return nil
	}
}

func TestARequestIsCutOffWhenItsCredentialsEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		enter func(*testing.T, *world) *http.Request
		end   func(*world, *http.Request)
	}{
		"the token is revoked": {
			func(*testing.T, *world) *http.Request { return request(secretOf(access.Read)) },
			func(w *world, _ *http.Request) { w.SetTokens(tokensOf(access.Admin), true) },
		},
		"the session's token is revoked": {
			func(t *testing.T, w *world) *http.Request { r, _ := w.login(t, secretOf(access.Read)); return r },
			func(w *world, _ *http.Request) { w.SetTokens(tokensOf(access.Admin), true) },
		},
		"the session is given up": {
			func(t *testing.T, w *world) *http.Request { r, _ := w.login(t, secretOf(access.Read)); return r },
			func(w *world, r *http.Request) { w.Logout(httptest.NewRecorder(), r) },
		},
		"the door is closed": {
			func(_ *testing.T, w *world) *http.Request { w.SetTokens(nil, true); return request("") },
			func(w *world, _ *http.Request) { w.SetTokens(tokensOf(access.Admin), true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			r := tt.enter(t, w)
			ctx, leave := w.Enter(t.Context(), w.Caller(r))
			defer leave()
			other, leaveOther := w.Enter(t.Context(), w.Caller(request(secretOf(access.Admin))))
			defer leaveOther()
			if ctx.Err() != nil || access.Of(ctx).Kind == access.Nobody {
				t.Fatalf("entered as %+v, %v", access.Of(ctx), context.Cause(ctx))
			}
			tt.end(w, r)
			if err := ended(t, ctx); !errors.Is(err, access.ErrEnded) {
				t.Errorf("ended with %v, want ErrEnded", err)
			}
			if name != "the door is closed" && other.Err() != nil {
				t.Errorf("another's request has ended too: %v", context.Cause(other))
			}
			late, leaveLate := w.Enter(t.Context(), access.Of(ctx))
			defer leaveLate()
			if !errors.Is(context.Cause(late), access.ErrEnded) {
				t.Error("who has been let in just before may go on")
			}
		})
	}
}

func TestARequestIsCutOffWhenItsTokenExpires(t *testing.T) {
	w := newWorld()
	short := tokensOf(access.Read, access.Admin)
	short[0].Expires = w.time.Add(20 * time.Millisecond)
	w.SetTokens(short, true)
	ctx, leave := w.Enter(t.Context(), w.Caller(request(secretOf(access.Read))))
	defer leave()
	if err := ended(t, ctx); !errors.Is(err, access.ErrEnded) {
		t.Errorf("ended with %v, want ErrEnded", err)
	}
}

func TestWrongLoginsAreLimitedByWhereTheyComeFrom(t *testing.T) {
	w := newWorld()
	login := func(remote string, token access.Secret) error {
		r := request("")
		r.RemoteAddr = remote
		_, err := w.Login(httptest.NewRecorder(), r, token)
		return err
	}
	for try := range 5 {
		if err := login("192.0.2.1:1000", "hh_wrong"); !errors.Is(err, access.ErrUnknownToken) {
			t.Fatalf("try %d: %v, want ErrUnknownToken", try, err)
		}
	}
	for _, token := range []access.Secret{"hh_wrong", secretOf(access.Admin)} {
		if err := login("192.0.2.1:2000", token); !errors.Is(err, access.ErrTooManyTries) {
			t.Errorf("another try: %v, want ErrTooManyTries", err)
		}
	}
	if err := login("192.0.2.2:1000", secretOf(access.Admin)); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	w.time = w.time.Add(access.TryEvery)
	if err := login("192.0.2.1:3000", secretOf(access.Admin)); err != nil {
		t.Errorf("after a while: %v", err)
	}
	for host := range 5 { // addresses of one network are one caller's
		if err := login(fmt.Sprintf("[2001:db8::%d]:1000", host), "hh_wrong"); !errors.Is(err, access.ErrUnknownToken) {
			t.Errorf("IPv6 try %d: %v", host, err)
		}
	}
	if err := login("[2001:db8::99]:1000", "hh_wrong"); !errors.Is(err, access.ErrTooManyTries) {
		t.Errorf("another of the network: %v, want ErrTooManyTries", err)
	}
}

func TestManyAddressesDoNotGetAroundTheLimit(t *testing.T) {
	w := newWorld()
	tried := 0
	for i := range 3000 {
		r := request("")
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1000", i/250, i%250)
		if _, err := w.Login(httptest.NewRecorder(), r, "hh_wrong"); errors.Is(err, access.ErrUnknownToken) {
			tried++
		}
	}
	if tried > 1024+5 {
		t.Errorf("%d addresses have tried, want some thousand to be the limit", tried)
	}
}

func TestWrongTokensOfRequestsAreLimitedAndRightOnesAreNot(t *testing.T) {
	w := newWorld()
	refused := 0
	for range 10 {
		r := request("hh_wrong")
		if w.Failed(r, w.Caller(r)) != nil {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 10 wrong tokens were too many, want 5", refused)
	}
	if r := request(secretOf(access.Read)); w.Caller(r).Kind != access.WithToken || w.Failed(r, w.Caller(r)) != nil {
		t.Error("a right token from the same address is shut out")
	}
	if r := request(""); w.Failed(r, w.Caller(r)) != nil {
		t.Error("no token counts as a wrong one")
	}
}

func TestTheOldestSessionsMakeWay(t *testing.T) {
	w := newWorld()
	first, _ := w.login(t, secretOf(access.Read))
	for range 1000 {
		w.time = w.time.Add(time.Second)
		w.login(t, secretOf(access.Read))
	}
	if c := w.Caller(first); c.Kind != access.Nobody {
		t.Errorf("the oldest of 1001 sessions: %+v", c)
	}
}

func TestTokensAreNotToBeGuessedNorShown(t *testing.T) {
	seen := make(map[access.Secret]bool)
	for range 100 {
		s := access.NewToken()
		if seen[s] || !access.LooksLikeToken(s.Text()) || len(s.Text()) != 46 {
			t.Fatalf("token of %d characters, seen before: %t", len(s.Text()), seen[s])
		}
		seen[s] = true
	}
	s := access.NewToken()
	var log strings.Builder
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		l.Info("said", "token", s)
	}
	if text := fmt.Sprintf("%v %s %#v %+v %s", s, s, s, struct{ S access.Secret }{s}, log.String()); strings.Contains(text, s.Text()) {
		t.Error("a token shows itself")
	}
	for _, text := range []string{"", "hh_", "hh_short", s.Text()[3:], s.Text() + "A"} {
		if access.LooksLikeToken(text) {
			t.Errorf("%q looks like a token", text)
		}
	}
}

func TestAwaitReturnsWhenTheTokenIsThere(t *testing.T) {
	w := newWorld()
	w.Await(t.Context(), access.HashOf(secretOf(access.Read)), true)
	w.Await(t.Context(), access.HashOf("hh_other"), false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Await(t.Context(), access.HashOf("hh_other"), true)
	}()
	w.SetTokens(append(tokensOf(access.Admin), access.Token{Name: "other", Role: access.Read, Hash: access.HashOf("hh_other")}), true)
	<-done
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Await(ctx, access.HashOf("hh_none"), true)
}

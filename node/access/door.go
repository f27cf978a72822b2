package access

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// SessionLife is how long a session lasts that nobody ends.
	SessionLife = 7 * 24 * time.Hour
	// maxSessions bounds the sessions of a node; the oldest makes way.
	maxSessions = 1000
)

var (
	// ErrEnded is the cause of a context whose request came with credentials that
	// have been revoked, have expired or were given up.
	ErrEnded = errors.New("token or session has ended")

	// ErrUnknownToken is returned for a login with what is no valid token.
	ErrUnknownToken = errors.New("no such token, or it has been revoked or has expired")

	// ErrTooManyTries is returned while a caller has to wait with another try.
	ErrTooManyTries = errors.New("too many tries with wrong tokens: wait a moment")
)

// Kind is how a caller has come in.
type Kind string

// The kinds of callers.
const (
	Nobody      Kind = "none"    // with nothing that is valid
	Open        Kind = "open"    // there are no tokens, and the caller is on this machine
	WithToken   Kind = "token"   // with a token
	WithSession Kind = "session" // with a token's session
)

// Caller is who sends a request.
type Caller struct {
	Kind    Kind
	Role    Role
	Name    string    // of the token
	Expires time.Time // when the token or the session ends; zero: never
	// wrong says that credentials were shown that are not valid.
	wrong   bool
	token   string // its hash
	session string // its id's hash
}

// Door decides who may come in. New is the only way to one; its methods may be called
// from any goroutine.
type Door struct {
	cookie string
	now    func() time.Time
	tries  *tries

	mu       sync.Mutex // guards what follows
	tokens   map[string]Token
	closed   bool // although there are no tokens
	sessions map[string]session
	passes   map[*pass]struct{}
	changed  chan struct{} // is closed when the tokens change
}

// session is one login.
type session struct {
	token   string // its hash
	begun   time.Time
	expires time.Time
}

// pass is a request that is being answered.
type pass struct {
	caller Caller
	cancel context.CancelCauseFunc
}

// New returns a door without tokens. Sessions are kept in a cookie of the given name.
func New(cookie string, now func() time.Time) *Door {
	return &Door{
		cookie: cookie, now: now, tries: newTries(now),
		tokens: make(map[string]Token), sessions: make(map[string]session), passes: make(map[*pass]struct{}), changed: make(chan struct{}),
	}
}

// SetTokens has the door go by these tokens from now on. Requests that are being
// answered for others are cut off. known is false while nobody can say yet what
// tokens there are: then nobody comes in for there being none.
func (d *Door) SetTokens(tokens []Token, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens = make(map[string]Token, len(tokens))
	for _, t := range tokens {
		d.tokens[t.Hash] = t
	}
	d.closed = !known
	d.sweepLocked()
	close(d.changed)
	d.changed = make(chan struct{})
}

// Await returns when the door has the token of that hash, or has not, or when ctx ends.
func (d *Door) Await(ctx context.Context, hash string, there bool) {
	for {
		d.mu.Lock()
		_, has := d.tokens[hash]
		changed := d.changed
		d.mu.Unlock()
		if has == there {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// IsOpen says whether there are no tokens.
func (d *Door) IsOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.tokens) == 0 && !d.closed
}

// sweepLocked ends what is not valid any more. The caller holds mu.
func (d *Door) sweepLocked() {
	for id, s := range d.sessions {
		if _, ok := d.sessionLocked(id, s); !ok {
			delete(d.sessions, id)
		}
	}
	for p := range d.passes {
		if !d.validLocked(p.caller) {
			p.cancel(ErrEnded)
		}
	}
}

// validLocked says whether who has come in may still be there. The caller holds mu.
func (d *Door) validLocked(c Caller) bool {
	switch c.Kind {
	case Open:
		return len(d.tokens) == 0 && !d.closed
	case WithToken:
		_, ok := d.tokenLocked(c.token)
		return ok
	case WithSession:
		s, ok := d.sessions[c.session]
		if ok {
			_, ok = d.sessionLocked(c.session, s)
		}
		return ok
	default:
		return true
	}
}

func (d *Door) tokenLocked(hash string) (Token, bool) {
	t, ok := d.tokens[hash]
	return t, ok && (t.Expires.IsZero() || d.now().Before(t.Expires))
}

func (d *Door) sessionLocked(id string, s session) (Caller, bool) {
	t, ok := d.tokenLocked(s.token)
	if !ok || !d.now().Before(s.expires) {
		return Caller{}, false
	}
	expires := s.expires
	if !t.Expires.IsZero() && t.Expires.Before(expires) {
		expires = t.Expires
	}
	return Caller{Kind: WithSession, Role: t.Role, Name: t.Name, Expires: expires, token: s.token, session: id}, true
}

// Caller returns who sends the request. A token counts before a session, and what is
// shown but not valid leaves nobody.
func (d *Door) Caller(r *http.Request) Caller {
	d.mu.Lock()
	defer d.mu.Unlock()
	if secret, shown := bearer(r); shown {
		hash := HashOf(secret)
		if t, ok := d.tokenLocked(hash); ok {
			return Caller{Kind: WithToken, Role: t.Role, Name: t.Name, Expires: t.Expires, token: hash}
		}
		if len(d.tokens) > 0 || d.closed {
			return Caller{Kind: Nobody, wrong: true}
		}
	}
	if id, shown := d.sessionID(r); shown {
		if s, ok := d.sessions[id]; ok {
			if c, ok := d.sessionLocked(id, s); ok {
				return c
			}
		}
	}
	if len(d.tokens) == 0 && !d.closed && isLocal(r) {
		return Caller{Kind: Open, Role: Admin}
	}
	return Caller{Kind: Nobody}
}

// bearer returns the token that a request shows.
func bearer(r *http.Request) (Secret, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return Secret(strings.TrimSpace(token)), strings.EqualFold(scheme, "Bearer")
}

// sessionID returns the hash of the session that a request shows.
func (d *Door) sessionID(r *http.Request) (string, bool) {
	c, err := r.Cookie(d.cookie)
	if err != nil {
		return "", false
	}
	return HashOf(Secret(c.Value)), true
}

// isLocal says whether a request comes from a program on this machine that means this
// machine. A name that somebody else has pointed here, by which a web page elsewhere
// would reach the API, is not it, nor is what a proxy passes on.
func isLocal(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(remote) && IsLoopbackHost(r.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// IsLoopbackHost says whether HOST or HOST:PORT is this machine's own.
func IsLoopbackHost(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	return host == "localhost" || isLoopback(host)
}

type callerKey struct{}

// Of returns who has sent the request that a handler has let in.
func Of(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return Caller{Kind: Nobody}
}

// Enter lets a caller in. The context ends, with ErrEnded as its cause, when the caller's
// credentials do; leave has to be called when the request has been answered.
func (d *Door) Enter(ctx context.Context, c Caller) (inside context.Context, leave func()) {
	ctx = context.WithValue(ctx, callerKey{}, c)
	if c.Kind == Nobody {
		return ctx, func() {}
	}
	expire := func() {}
	if !c.Expires.IsZero() {
		ctx, expire = context.WithTimeoutCause(ctx, c.Expires.Sub(d.now()), ErrEnded)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pass{caller: c, cancel: cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passes[p] = struct{}{}
	if !d.validLocked(c) { // ended since Caller has looked
		cancel(ErrEnded)
	}
	return ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.passes, p)
		cancel(nil)
		expire()
	}
}

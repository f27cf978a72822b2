package access

import (
	"net/http"
	"time"
)

// Failed notes that a request has shown a wrong token. It returns ErrTooManyTries when
// that was once too often of late. Right tokens are let in all the same, so that
// nobody shuts out others that come from the same address.
func (d *Door) Failed(r *http.Request, c Caller) error {
	if c.wrong && !d.tries.failed(r.RemoteAddr) {
		return ErrTooManyTries
	}
	return nil
}

// Login begins a session of the token's and sets its cookie. It returns
// ErrTooManyTries, without looking at the token, after too many wrong ones from the
// caller's address, else ErrUnknownToken for a wrong one.
func (d *Door) Login(w http.ResponseWriter, r *http.Request, token Secret) (Caller, error) {
	if !d.tries.allowed(r.RemoteAddr) {
		return Caller{}, ErrTooManyTries
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	hash := HashOf(token)
	if _, ok := d.tokenLocked(hash); !ok {
		d.tries.failed(r.RemoteAddr)
		return Caller{}, ErrUnknownToken
	}
	if old, shown := d.sessionID(r); shown {
		delete(d.sessions, old)
	}
	value, now := Secret(randomText()), d.now()
	id := HashOf(value)
	s := session{token: hash, begun: now, expires: now.Add(SessionLife)}
	d.makeRoomLocked()
	d.sessions[id] = s
	c, _ := d.sessionLocked(id, s)
	http.SetCookie(w, d.cookieOf(r, value.Text(), c.Expires.Sub(now)))
	return c, nil
}

// Logout ends the request's session, if it has one, and takes its cookie away.
func (d *Door) Logout(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, shown := d.sessionID(r); shown {
		delete(d.sessions, id)
		d.sweepLocked()
	}
	http.SetCookie(w, d.cookieOf(r, "", -1))
}

// cookieOf returns the session's cookie, for so long; one that is over takes it away.
func (d *Door) cookieOf(r *http.Request, value string, life time.Duration) *http.Cookie {
	age := max(int(life/time.Second), 1)
	if life < 0 {
		age = -1
	}
	return &http.Cookie{
		Name: d.cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// A proxy that speaks TLS says so; who lies about it harms nobody else.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// makeRoomLocked forgets the sessions that are over, and the oldest when there are
// too many. The caller holds mu.
func (d *Door) makeRoomLocked() {
	d.sweepLocked()
	for len(d.sessions) >= maxSessions {
		oldest := ""
		for id, s := range d.sessions {
			if oldest == "" || s.begun.Before(d.sessions[oldest].begun) {
				oldest = id
			}
		}
		delete(d.sessions, oldest)
		d.sweepLocked()
	}
}

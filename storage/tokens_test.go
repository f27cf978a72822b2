package storage_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"hedgehog/exchange"
	"hedgehog/storage"
)

func hashOf(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

// token makes one whose hash is of its name.
func token(name, role string, expires exchange.Micros) storage.Command {
	return storage.Command{Token: &storage.TokenChange{Name: name, Role: role, Hash: hashOf(name), Created: 7, Expires: expires}}
}

func revoke(name string) storage.Command {
	return storage.Command{Token: &storage.TokenChange{Name: name, Revoke: true}}
}

func spoiledToken(spoil func(*storage.TokenChange)) storage.Command {
	c := token("a", "admin", 0)
	spoil(c.Token)
	return c
}

func TestTokensAreMadeAndRevoked(t *testing.T) {
	db := newDB(t)
	for _, c := range []storage.Command{token("root", "admin", 0), token("bot", "trade", 9), token("eye", "read", 0), revoke("bot")} {
		if r := mustApply(t, db, c); r.Err != nil || r.Applied != 1 {
			t.Fatalf("%+v: %+v, want 1 applied", *c.Token, r)
		}
	}
	tokens := mustState(t, db).Tokens
	want := []storage.Token{{Name: "eye", Role: "read", Hash: hashOf("eye"), Created: 7}, {Name: "root", Role: "admin", Hash: hashOf("root"), Created: 7}}
	if len(tokens) != 2 || tokens[0] != want[0] || tokens[1] != want[1] {
		t.Errorf("tokens %+v, want %+v", tokens, want)
	}
	if r := mustApply(t, db, revoke("")); r.Err != nil || r.Applied != 2 || len(mustState(t, db).Tokens) != 0 {
		t.Errorf("all revoked: %+v, left %+v", r, mustState(t, db).Tokens)
	}
}

func TestSomebodyMayAlwaysMakeAnotherToken(t *testing.T) {
	tests := map[string]struct {
		before []storage.Command
		change storage.Command
		want   error
	}{
		"the first is no admin":                 {nil, token("bot", "trade", 0), storage.ErrConflict},
		"the first expires":                     {nil, token("root", "admin", 9), storage.ErrConflict},
		"a name twice":                          {[]storage.Command{token("root", "admin", 0)}, token("root", "admin", 0), storage.ErrConflict},
		"a hash twice":                          {[]storage.Command{token("root", "admin", 0)}, spoiledToken(func(c *storage.TokenChange) { c.Hash = hashOf("root") }), storage.ErrRefused},
		"revoke what is not there":              {[]storage.Command{token("root", "admin", 0)}, revoke("bot"), storage.ErrUnknownToken},
		"revoke the last admin before others":   {[]storage.Command{token("root", "admin", 0), token("bot", "trade", 0)}, revoke("root"), storage.ErrConflict},
		"another admin that expires is no help": {[]storage.Command{token("root", "admin", 0), token("guest", "admin", 9)}, revoke("root"), storage.ErrConflict},
		"another admin is":                      {[]storage.Command{token("root", "admin", 0), token("heir", "admin", 0)}, revoke("root"), nil},
		"the last of all":                       {[]storage.Command{token("root", "admin", 0)}, revoke("root"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := newDB(t)
			for _, c := range tt.before {
				if r := mustApply(t, db, c); r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			before := len(mustState(t, db).Tokens)
			r := mustApply(t, db, tt.change)
			if !errors.Is(r.Err, tt.want) {
				t.Errorf("got %v, want %v", r.Err, tt.want)
			}
			if after := len(mustState(t, db).Tokens); tt.want != nil && after != before {
				t.Errorf("%d tokens after a change that was refused, before %d", after, before)
			}
		})
	}
}

// A node of the release before this one applies everything that it can.
func TestCommandsWithoutTokensAreOfTheVersionBefore(t *testing.T) {
	for name, c := range commands() {
		want := `{"v":2`
		if c.Token != nil {
			want = `{"v":3`
		}
		if data := entry(t, 1, c).Data; string(data[:len(want)]) != want {
			t.Errorf("%s: %.20s, want %s", name, data, want)
		}
	}
}

package storage

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"hedgehog/exchange"
)

// Token is what the cluster knows of a token of the API: enough to recognize it.
type Token struct {
	Name    string
	Role    string // read, trade or admin
	Hash    string // SHA-256 of the token, 64 hexadecimal digits
	Created exchange.Micros
	Expires exchange.Micros // 0: never
}

// roleAdmin is the role that may make tokens.
const roleAdmin = "admin"

// lastingAdmin says whether the token may make others for ever.
func (t Token) lastingAdmin() bool { return t.Role == roleAdmin && t.Expires == 0 }

// TokenChange makes a token or revokes tokens. As long as there are any, one is an
// admin's that does not expire, for otherwise nobody could make another: ErrConflict
// for what would break that, and for a name that is taken. ErrUnknownToken where there
// is none to revoke. Result.Applied is how many were made or revoked.
type TokenChange struct {
	Name    string          `json:"name,omitempty"`
	Role    string          `json:"role,omitempty"` // this and what follows: see Token
	Hash    string          `json:"hash,omitempty"`
	Created exchange.Micros `json:"created,omitempty"`
	Expires exchange.Micros `json:"expires,omitempty"`
	Revoke  bool            `json:"revoke,omitempty"` // the token of that name, all of them where it is empty
}

func (c *TokenChange) validate() error {
	if c.Revoke {
		if *c != (TokenChange{Name: c.Name, Revoke: true}) {
			return refused("revoke", c.Revoke, "nothing else beside the token's name")
		}
		return validNode("token name", c.Name, true)
	}
	if !slices.Contains([]string{"read", "trade", roleAdmin}, c.Role) {
		return refused("role", fmt.Sprintf("%.40q", c.Role), "read, trade or admin")
	}
	if sum, err := hex.DecodeString(c.Hash); err != nil || len(sum) != 32 || hex.EncodeToString(sum) != c.Hash {
		return refused("hash", "of the token", "64 hexadecimal digits") // not shown
	}
	return firstError(validNode("token name", c.Name, false), validNumber("created", int64(c.Created), 0), validNumber("expires", int64(c.Expires), 0))
}

const selectTokens = "SELECT name, role, hash, created_time, expires_time FROM tokens"

func scanToken(row scanner) (t Token, err error) {
	err = row.Scan(&t.Name, &t.Role, &t.Hash, &t.Created, &t.Expires)
	return t, err
}

func changeToken(ctx context.Context, b batch, c *TokenChange) (int, error) {
	lasting, others, err := countTokens(ctx, b, c.Name)
	if err != nil {
		return 0, err
	}
	if c.Revoke {
		return revokeTokens(ctx, b, c.Name, lasting, others)
	}
	t := Token{Name: c.Name, Role: c.Role, Hash: c.Hash, Created: c.Created, Expires: c.Expires}
	_, err = scanToken(b.row(ctx, selectTokens+" WHERE name = ?", c.Name))
	switch {
	case err == nil:
		return 0, fmt.Errorf("%w: there is a token %s already: choose another name, or revoke it first", ErrConflict, c.Name)
	case !none(err):
		return 0, err
	case lasting == 0 && !t.lastingAdmin():
		return 0, fmt.Errorf("%w: the first token has to be of the role admin and not to expire, for nobody could make another one afterwards", ErrConflict)
	}
	_, err = b.exec(ctx, "INSERT INTO tokens (name, role, hash, created_time, expires_time) VALUES (?, ?, ?, ?, ?)",
		t.Name, t.Role, t.Hash, int64(t.Created), int64(t.Expires))
	return 1, err
}

// countTokens returns how many tokens beside the named one there are, and how many
// of these are admins' that don't expire.
func countTokens(ctx context.Context, b batch, name string) (lasting, others int, err error) {
	err = b.row(ctx, "SELECT coalesce(sum(role = 'admin' AND expires_time = 0), 0), count(*) FROM tokens WHERE name <> ?", name).Scan(&lasting, &others)
	return lasting, others, err
}

// revokeTokens revokes the named token, all where the name is empty.
func revokeTokens(ctx context.Context, b batch, name string, lasting, others int) (int, error) {
	if name == "" {
		n, err := b.exec(ctx, "DELETE FROM tokens")
		return int(n), err
	}
	n, err := b.exec(ctx, "DELETE FROM tokens WHERE name = ?", name)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, fmt.Errorf("%w: %q: check the spelling", ErrUnknownToken, name)
	case lasting == 0 && others > 0:
		return 0, fmt.Errorf("%w: %s is the last token that may make others: make another one of the role admin first, or revoke the others", ErrConflict, name)
	}
	return int(n), nil
}

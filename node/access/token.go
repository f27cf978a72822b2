package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Token is what a Door knows of a token.
type Token struct {
	Name    string
	Role    Role
	Hash    string    // HashOf the token
	Expires time.Time // zero: never
}

// Secret is a token as its holder has it. It does not show itself in logs.
type Secret string

// String keeps the secret out of messages; Text returns it.
func (Secret) String() string { return "[secret]" }

// GoString is String, for %#v.
func (Secret) GoString() string { return "[secret]" }

// LogValue is String, for every kind of log.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Text returns the secret itself.
func (s Secret) Text() string { return string(s) }

// tokenMark begins every token, so that people and scanners for leaked secrets
// recognize one.
const tokenMark = "hh_"

// NewToken returns a new token: 256 random bits behind tokenMark.
func NewToken() Secret {
	return Secret(tokenMark + randomText())
}

// LooksLikeToken says whether the text has the form of a token.
func LooksLikeToken(text string) bool {
	encoded, marked := strings.CutPrefix(text, tokenMark)
	bits, err := base64.RawURLEncoding.DecodeString(encoded)
	return marked && err == nil && len(bits) == 32
}

// randomText returns 256 random bits as text for headers and cookies.
func randomText() string {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// HashOf returns what is kept of a secret: its SHA-256, hexadecimal. There is no need
// for a slow hash, for 256 random bits are not to be guessed.
func HashOf(s Secret) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// ErrExposed is returned when others than the owner may read a token's file.
var ErrExposed = errors.New("others can read the token: chmod 600 mends that")

// maxFile is how much of a token's file is read, in bytes.
const maxFile = 4 << 10

// ReadFile returns the token that a file holds, or ErrExposed. Errors never show what
// the file holds.
func ReadFile(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%w: %s has mode %#o", ErrExposed, path, mode)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", err
	}
	text := string(bytes.TrimSpace(content))
	if !LooksLikeToken(text) {
		return "", fmt.Errorf("%s holds no token: one begins with %s", path, tokenMark)
	}
	return Secret(text), nil
}

package peer

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

var (
	// ErrBadSecret is returned when a text is not one that Secret.Text wrote.
	ErrBadSecret = errors.New("bad secret")
	// ErrExposedSecret is returned when others than its owner can use a secret's
	// file.
	ErrExposedSecret = errors.New("secret file is open to others")
	// ErrNeedsSecret is returned when a cluster without a secret is to use an
	// address that others can reach.
	ErrNeedsSecret = errors.New("without a secret only loopback addresses can be used")
)

const (
	secretBytes   = 32
	checksumBytes = 4
	textLength    = 2 * (secretBytes + checksumBytes)
	// fileLimit bounds what is read of a secret's file, in bytes.
	fileLimit = 4096
	redacted  = "[redacted]"
)

// Secret is what the members of a cluster have in common and nobody else knows.
// It never shows itself when it is printed, logged or marshalled. Its zero value
// is no secret and is refused by NewIdentity.
type Secret [secretBytes]byte

// NewSecret returns a secret that nobody has had before.
func NewSecret() (Secret, error) {
	var s Secret
	if _, err := rand.Read(s[:]); err != nil {
		return Secret{}, fmt.Errorf("read random bytes: %w", err)
	}
	return s, nil
}

// NoSecret returns the well-known secret of a cluster without one. It keeps
// nobody out, so it is good for loopback addresses only.
func NoSecret() Secret { return sha256.Sum256([]byte("hedgehog: a cluster without a secret")) }

// ParseSecret reads what Text wrote; space around it is ignored. Errors match
// ErrBadSecret and never repeat any of the text.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	if len(text) != textLength {
		return Secret{}, fmt.Errorf("%w: it has %d characters, not %d", ErrBadSecret, len(text), textLength)
	}
	raw, err := hex.DecodeString(text)
	if err != nil { // err names the character, which must not be told
		return Secret{}, fmt.Errorf("%w: it is not hexadecimal", ErrBadSecret)
	}
	s := Secret(raw[:secretBytes])
	if s.checksum() != [checksumBytes]byte(raw[secretBytes:]) {
		return Secret{}, fmt.Errorf("%w: its checksum does not fit, so a character was changed", ErrBadSecret)
	}
	if s == (Secret{}) || s == NoSecret() {
		return Secret{}, fmt.Errorf("%w: it is a value that everybody knows", ErrBadSecret)
	}
	return s, nil
}

// ReadSecretFile reads the secret in the file. A file that its group or others
// may read or write is refused with ErrExposedSecret.
func ReadSecretFile(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("secret file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Secret{}, fmt.Errorf("secret file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Secret{}, fmt.Errorf("%w: %s has mode %#o, not 0600", ErrExposedSecret, path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, fileLimit))
	if err != nil {
		return Secret{}, fmt.Errorf("secret file: %w", err)
	}
	s, err := ParseSecret(string(text))
	if err != nil {
		return Secret{}, fmt.Errorf("secret file %s: %w", path, err)
	}
	return s, nil
}

// Text returns the secret itself, hexadecimal and with a checksum that tells a
// typing error: for who makes a secret, and for nothing else.
func (s Secret) Text() string {
	sum := s.checksum()
	return hex.EncodeToString(append(s[:], sum[:]...))
}

func (s Secret) checksum() [checksumBytes]byte {
	sum := sha256.Sum256(append([]byte("hedgehog secret checksum 1"), s[:]...))
	return [checksumBytes]byte(sum[:])
}

// GossipKey returns the 32 bytes that the gossip is encrypted with.
func (s Secret) GossipKey() []byte { return s.derive("hedgehog gossip 1", 32) }

// ClusterID returns a public fingerprint: equal for equal secrets, and of no use
// for guessing one.
func (s Secret) ClusterID() string { return hex.EncodeToString(s.derive("hedgehog cluster id 1", 8)) }

func (s Secret) derive(purpose string, length int) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, purpose, length)
	if err != nil { // only lengths beyond 255 hashes fail
		panic(fmt.Sprintf("derive %s: %v", purpose, err))
	}
	return key
}

// String hides the secret.
func (s Secret) String() string { return redacted }

// GoString hides the secret.
func (s Secret) GoString() string { return redacted }

// Format hides the secret from every verb; without it %d would show the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

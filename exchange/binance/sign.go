package binance

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"hedgehog/exchange"
)

// signer signs the payload of a request: the parameters exactly as they are sent.
type signer func(payload string) string

// errNoKey is what signed requests fail with when there is no key.
var errNoKey = fmt.Errorf("%w: no API key is configured", exchange.ErrUnauthorized)

// newSigner returns the signer for the configured key, nil when there is no key.
// Its errors name the field and never its content.
func newSigner(c Config) (signer, error) {
	switch {
	case c.APIKey == "" && (c.Secret != "" || c.Ed25519PEM != ""):
		return nil, errors.New("APIKey is missing beside Secret or Ed25519PEM")
	case c.APIKey == "":
		return nil, nil
	case c.Secret == "" && c.Ed25519PEM == "":
		return nil, errors.New("Secret or Ed25519PEM is missing beside APIKey")
	case c.Secret != "" && c.Ed25519PEM != "":
		return nil, errors.New("Secret and Ed25519PEM are both set: want one of them")
	case c.Secret != "":
		return hmacSigner([]byte(c.Secret)), nil
	}
	block, _ := pem.Decode([]byte(c.Ed25519PEM))
	if block == nil {
		return nil, errors.New("Ed25519PEM: want a PEM block")
	}
	// The parser's error is left out: it may quote what it read.
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("Ed25519PEM: want a private key in PKCS #8 form")
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("Ed25519PEM: want an Ed25519 key, not %T", key)
	}
	return ed25519Signer(private), nil
}

func hmacSigner(secret []byte) signer {
	return func(payload string) string {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(payload))
		return hex.EncodeToString(mac.Sum(nil))
	}
}

func ed25519Signer(key ed25519.PrivateKey) signer {
	return func(payload string) string {
		return base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(payload)))
	}
}

package server

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/exchange/wire"
)

const (
	defaultRecvWindow = 5000 * 1000 // µs
	maxRecvWindow     = 60000       // ms
	aheadAllowed      = 1000 * 1000 // µs that a timestamp may be before the exchange's clock
)

// authorize finds out which account a signed request acts for and until when it
// may be accepted. On a session that is logged on, a request without a key of
// its own needs no signature.
func (s *Server) authorize(r *request) error {
	key, signed, err := s.keyOf(r)
	if err != nil {
		return err
	}
	r.account = key.Account
	if signed {
		if !r.has("signature") {
			return missing("signature")
		}
		if !key.verifies(r.payload, r.params["signature"]) {
			return refuse(wire.CodeSignature, "Signature for this request is not valid.")
		}
	}
	return s.checkTiming(r)
}

// keyOf returns the key that r is sent with and whether it has to be signed.
func (s *Server) keyOf(r *request) (key Key, signed bool, err error) {
	apiKey := r.apiKey
	if r.session != nil {
		apiKey = r.params["apiKey"]
		if apiKey == "" && r.session.key != nil {
			return *r.session.key, false, nil
		}
		if apiKey == "" {
			return Key{}, false, missing("apiKey")
		}
	}
	if apiKey == "" {
		return Key{}, false, badKey(wire.CodeKeyFormat, "API-key format invalid.")
	}
	key, known := s.keys[apiKey]
	if !known {
		return Key{}, false, badKey(wire.CodeKeyRejected, "Invalid API-key, IP, or permissions for action.")
	}
	return key, true, nil
}

// verifies says whether signature is the key's over payload: HMAC-SHA256 in hex
// of either case, or Ed25519 in base64.
func (k Key) verifies(payload, signature string) bool {
	if k.PublicKey != nil {
		raw, err := base64.StdEncoding.DecodeString(signature)
		return err == nil && ed25519.Verify(k.PublicKey, []byte(payload), raw)
	}
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(payload))
	return hmac.Equal(mac.Sum(nil), raw)
}

// checkTiming holds the request's timestamp against the clock and sets the
// deadline that the engine checks once more.
func (s *Server) checkTiming(r *request) error {
	r.text("timestamp")
	timestamp := r.moment("timestamp")
	window := r.recvWindow()
	if r.err != nil {
		return r.err
	}
	now := exchange.MicrosOf(s.now())
	switch {
	case timestamp >= now+aheadAllowed:
		return refuse(wire.CodeTimestamp, "Timestamp for this request was 1000ms ahead of the server's time.")
	case now-timestamp > window:
		return refuse(wire.CodeTimestamp, "Timestamp for this request is outside of the recvWindow.")
	}
	r.deadline = timestamp + window
	return nil
}

// recvWindow returns how long after its timestamp the request may be accepted.
// It is sent in milliseconds with up to three decimal places.
func (r *request) recvWindow() exchange.Micros {
	value := r.within("recvWindow", recvWindowRange)
	if r.err != nil || value == "" {
		return defaultRecvWindow
	}
	ms, err := decimal.NewFromString(value)
	if err != nil {
		r.fail(illegal("recvWindow", recvWindowRange))
		return 0
	}
	if ms.GreaterThan(decimal.New(maxRecvWindow, 0)) {
		r.fail(refuse(wire.CodeMandatoryMissing, "'recvWindow' contains unexpected value. Cannot be greater than %d.", maxRecvWindow))
		return 0
	}
	return exchange.Micros(ms.Shift(3).IntPart())
}

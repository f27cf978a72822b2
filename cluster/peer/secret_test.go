package peer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/cluster/peer"
)

func newSecret(tb testing.TB) peer.Secret {
	tb.Helper()
	s, err := peer.NewSecret()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// someSecret is always the same.
func someSecret(tb testing.TB) peer.Secret {
	tb.Helper()
	var s peer.Secret
	for i := range s {
		s[i] = byte(i + 1)
	}
	return s
}

func TestSecretReadsBackFromItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := peer.Secret(rapid.SliceOfN(rapid.Byte(), 32, 32).Filter(func(b []byte) bool { return !bytes.Equal(b, make([]byte, 32)) }).Draw(t, "secret"))
		got, err := peer.ParseSecret(" " + s.Text() + "\n")
		if err != nil || got != s {
			t.Fatalf("another secret came back, or none: %v", err)
		}
	})
}

func TestOneWrongCharacterIsTold(t *testing.T) {
	text := someSecret(t).Text()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		c := rapid.SampledFrom([]byte("0123456789abcdefxyz-")).Filter(func(c byte) bool { return c != text[i] }).Draw(t, "character")
		_, err := peer.ParseSecret(text[:i] + string(c) + text[i+1:])
		if !errors.Is(err, peer.ErrBadSecret) {
			t.Fatalf("error %v, want ErrBadSecret", err)
		}
	})
}

func TestTextsThatAreNoSecretsAreRefusedWithoutRepeatingThem(t *testing.T) {
	text := someSecret(t).Text()
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "0 characters, not 72"},
		"cut off":           {text[:70], "70 characters, not 72"},
		"not hexadecimal":   {strings.Replace(text, "0", "q", 1), "not hexadecimal"},
		"changed":           {"f" + text[1:], "checksum does not fit"},
		"all zero":          {peer.Secret{}.Text(), "everybody knows"},
		"that of no secret": {peer.NoSecret().Text(), "everybody knows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := peer.ParseSecret(c.text)
			if !errors.Is(err, peer.ErrBadSecret) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if len(c.text) > 8 && strings.Contains(err.Error(), c.text[:8]) {
				t.Errorf("the error repeats the text: %v", err)
			}
		})
	}
}

func TestSecretNeverShowsItself(t *testing.T) {
	s := someSecret(t)
	inside := struct {
		Secret  peer.Secret
		Pointer *peer.Secret
	}{s, &s}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%08b"} {
		fmt.Fprintf(&shown, verb+"\n", s)
		fmt.Fprintf(&shown, verb+"\n", inside)
		fmt.Fprintf(&shown, verb+"\n", []peer.Secret{s})
		fmt.Fprintf(&shown, verb+"\n", map[peer.Secret]peer.Secret{s: s})
	}
	fmt.Fprintln(&shown, s, &s, s.String(), s.GoString(), fmt.Errorf("with %v", s))
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("", "secret", s, "inside", inside)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("", "secret", s, "inside", inside)
	if err := json.NewEncoder(&shown).Encode(inside); err != nil {
		t.Fatal(err)
	}
	id := newIdentity(t, s, "n1")
	fmt.Fprintf(&shown, "%v %+v %#v %s %d\n", id, id, id, id, id)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("", "identity", id)

	text := s.Text()
	for _, piece := range []string{text[:8], strings.ToUpper(text[16:24]), "1 2 3 4", "0x1, 0x2", "\x01\x02\x03", "BEGIN", "PrivateKey"} {
		if strings.Contains(shown.String(), piece) {
			t.Errorf("%q can be read in:\n%s", piece, &shown)
		}
	}
	if got := strings.Count(shown.String(), "[redacted]"); got < 40 {
		t.Errorf("only %d values say that they are redacted", got)
	}
}

// A running cluster is upgraded node by node: what is derived must never change.
func TestDerivedValuesStayAsTheyAre(t *testing.T) {
	s := someSecret(t)
	if got, want := s.ClusterID(), "26a9bf7ab7b08819"; got != want {
		t.Errorf("cluster id %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%x", s.GossipKey()), "3aed5f1e911b4cabd83ee9402b91c98475e0df42ce340eb7d841fe19bfb0294e"; got != want {
		t.Errorf("gossip key %s, want %s", got, want)
	}
	if got, want := peer.NoSecret().ClusterID(), "fa61f6405e5bf239"; got != want {
		t.Errorf("cluster id without a secret %s, want %s", got, want)
	}
}

func TestEverySecretHasItsOwnKeys(t *testing.T) {
	a, b := newSecret(t), newSecret(t)
	if a == b || a.ClusterID() == b.ClusterID() || bytes.Equal(a.GossipKey(), b.GossipKey()) {
		t.Error("two secrets have something in common")
	}
	if strings.Contains(a.Text(), a.ClusterID()) || bytes.Contains(a[:], a.GossipKey()[:4]) {
		t.Error("what is derived shows the secret")
	}
}

func TestSecretFileHasToBeItsOwnersAlone(t *testing.T) {
	s := someSecret(t)
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(s.Text()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := peer.ReadSecretFile(path); err != nil || got != s {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o601, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := peer.ReadSecretFile(path)
		if !errors.Is(err, peer.ErrExposedSecret) || !strings.Contains(err.Error(), path) {
			t.Errorf("mode %#o: error %v, want ErrExposedSecret with the path", mode, err)
		}
	}
}

func TestSecretFileErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, bytes.Repeat([]byte("f"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "missing"): os.ErrNotExist,
		bad:                           peer.ErrBadSecret,
	} {
		if _, err := peer.ReadSecretFile(path); !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want %v with the path", err, want)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	text := someSecret(f).Text()
	for _, seed := range []string{"", text, text + "\n", text[:71], strings.ToUpper(text), strings.Repeat("g", 72), peer.NoSecret().Text()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := peer.ParseSecret(text)
		if err != nil {
			if !errors.Is(err, peer.ErrBadSecret) || s != (peer.Secret{}) {
				t.Errorf("error %v with a secret of its own", err)
			}
			return
		}
		if !strings.EqualFold(s.Text(), strings.TrimSpace(text)) {
			t.Error("what was read is not what was written")
		}
	})
}

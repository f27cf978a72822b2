package peer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/peer"
)

func newIdentity(tb testing.TB, s peer.Secret, node string) peer.Identity {
	tb.Helper()
	id, err := peer.NewIdentity(s, node, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestNodeNames(t *testing.T) {
	for name, good := range map[string]bool{
		"n1": true, "9": true, "a.b-c_d": true, "eu-west-1.trader_7": true, strings.Repeat("n", 63): true,
		"": false, ".n": false, "-n": false, "_n": false, "n 1": false, "n/1": false, "n:1": false,
		"né": false, "n\n": false, "n\x00": false, strings.Repeat("n", 64): false,
	} {
		err := peer.CheckName(name)
		if (err == nil) != good {
			t.Errorf("name %q: error %v", name, err)
		}
		id, err := peer.NewIdentity(peer.NoSecret(), name, time.Now())
		if (err == nil) != good {
			t.Errorf("identity of %q: error %v", name, err)
		}
		if good && id.Node() != name {
			t.Errorf("identity of %q calls itself %q", name, id.Node())
		}
	}
}

func TestNoIdentityWithoutASecret(t *testing.T) {
	if _, err := peer.NewIdentity(peer.Secret{}, "n1", time.Now()); !errors.Is(err, peer.ErrBadSecret) {
		t.Errorf("error %v, want ErrBadSecret", err)
	}
}

func BenchmarkNewIdentity(b *testing.B) {
	s := someSecret(b)
	b.ReportAllocs()
	for b.Loop() {
		newIdentity(b, s, "n1")
	}
}

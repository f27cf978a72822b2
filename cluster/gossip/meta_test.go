package gossip_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hedgehog/cluster/gossip"
)

// carried is the most that memberlist carries, in bytes.
const carried = 512

func TestMetadataReadsBackAndFits(t *testing.T) {
	word := rapid.StringMatching(`[!-~]{0,64}`)
	address := rapid.StringMatching(`([a-z0-9.-]{1,100}|\[::1\]):[1-9][0-9]{0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		want := gossip.Meta{
			Peer: address.Draw(t, "peer"), Version: word.Draw(t, "version"), Zone: word.Draw(t, "zone"),
			HTTP: rapid.OneOf(rapid.Just(""), address).Draw(t, "http"), ClusterID: word.Draw(t, "cluster"),
			Started: rapid.Int64Min(0).Draw(t, "started"),
		}
		wantLeaving := rapid.Bool().Draw(t, "leaving")
		data := gossip.AppendMeta(nil, want, wantLeaving)
		if len(data) > carried {
			t.Fatalf("%d bytes", len(data))
		}
		later := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "fields of a later version")
		got, leaving, err := gossip.ParseMeta(append(data, later...))
		if err != nil || got != want || leaving != wantLeaving {
			t.Fatalf("read %+v, %v, %v; want %+v, %v", got, leaving, err, want, wantLeaving)
		}
	})
}

func TestTheLongestMetadataFits(t *testing.T) {
	w := strings.Repeat("w", 64)
	m := gossip.Meta{Peer: strings.Repeat("p", 114) + ":65535", HTTP: strings.Repeat("h", 114) + ":65535",
		Version: w, Zone: w, ClusterID: w, Started: 1<<63 - 1}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if n := len(gossip.AppendMeta(nil, m, true)); n > carried {
		t.Errorf("%d bytes", n)
	}
}

func TestBadMetadataNamesTheField(t *testing.T) {
	for want, m := range map[string]gossip.Meta{
		`peer "" is not host:port`:        {},
		`peer "host" is not host:port`:    {Peer: "host"},
		`peer ":7000" names no host`:      {Peer: ":7000"},
		`peer "host:0" names no host`:     {Peer: "host:0"},
		`peer "host:65536" names no host`: {Peer: "host:65536"},
		`peer "host:http" names no host`:  {Peer: "host:http"},
		`peer has 126 bytes`:              {Peer: strings.Repeat("p", 120) + ":65535"},
		`http "host" is not host:port`:    {Peer: "host:1", HTTP: "host"},
		`version has 65 bytes`:            {Peer: "host:1", Version: strings.Repeat("v", 65)},
		`zone "a\nb" has characters`:      {Peer: "host:1", Zone: "a\nb"},
		`cluster id "\x1b[2J" has`:        {Peer: "host:1", ClusterID: "\x1b[2J"},
		`version "é" has characters`:      {Peer: "host:1", Version: "é"},
		`started -1 is before 1970`:       {Peer: "host:1", Started: -1},
	} {
		if err := m.Validate(); !errors.Is(err, gossip.ErrMeta) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func FuzzParseMeta(f *testing.F) {
	good := gossip.AppendMeta(nil, gossip.Meta{Peer: "127.0.0.1:7001", Version: "v1", Zone: "z", HTTP: "[::1]:80", ClusterID: "c", Started: 1}, true)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0, 0, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, leaving, err := gossip.ParseMeta(data)
		if err != nil {
			if !errors.Is(err, gossip.ErrMeta) {
				t.Errorf("error %v does not match ErrMeta", err)
			}
			return
		}
		again, leavingAgain, err := gossip.ParseMeta(gossip.AppendMeta(nil, m, leaving))
		if err != nil || !reflect.DeepEqual(again, m) || leavingAgain != leaving {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func BenchmarkParseMeta(b *testing.B) {
	data := gossip.AppendMeta(nil, newConfig("n1").Meta, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := gossip.ParseMeta(data); err != nil {
			b.Fatal(err)
		}
	}
}

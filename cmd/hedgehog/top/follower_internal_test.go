package top

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hedgehog/cmd/hedgehog/top/toptest"
	"hedgehog/node/api"
)

// following is a follower that runs until the test ends.
type following struct {
	*follower
	tb    testing.TB
	news  chan any
	ended chan struct{}
}

func follow(tb testing.TB, address string, p pace) *following {
	client, err := api.NewClient(address)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &following{tb: tb, news: make(chan any, 10_000), ended: make(chan struct{})}
	f.follower = newFollower(client, p, func(what any) {
		select {
		case f.news <- what:
		case <-ctx.Done():
		}
	})
	var running sync.WaitGroup
	running.Go(func() {
		defer close(f.ended)
		f.run(ctx)
	})
	tb.Cleanup(func() {
		stop()
		running.Wait()
	})
	return f
}

// next returns what is told next that is a T; all else is passed over.
func next[T any](f *following) T {
	f.tb.Helper()
	for {
		select {
		case what := <-f.news:
			if is, ok := what.(T); ok {
				return is
			}
		case <-time.After(20 * time.Second):
			var none T
			f.tb.Fatalf("no %T is told", none)
		}
	}
}

// patient is a pace at which nothing happens by the clock but tries.
func patient() pace {
	return pace{silence: time.Hour, pause: time.Millisecond, prices: time.Millisecond, profits: time.Hour, now: time.Now}
}

// tellOf has a node tell of a cluster in which others answer at these addresses.
func tellOf(n *toptest.Node, others ...*toptest.Node) {
	c := toptest.Cluster()
	c.Nodes = c.Nodes[:1]
	for i, other := range others {
		address := strings.TrimPrefix(other.URL, "http://")
		c.Nodes = append(c.Nodes, api.ClusterNode{Name: "n" + string(rune('2'+i)), State: "alive", HTTP: address})
	}
	n.Tell(api.LiveCluster, c)
}

func TestWhenTheNodeDiesAnotherOneTells(t *testing.T) {
	first, second := toptest.New(t), toptest.New(t)
	tellOf(first, second)
	f := follow(t, first.URL, patient())
	if got := next[connected](f).client.Address(); got != first.URL {
		t.Fatalf("connected to %s, want %s", got, first.URL)
	}
	next[told](f)
	first.Close()
	if got := next[lost](f); got.address != first.URL {
		t.Errorf("lost %+v, want %s", got, first.URL)
	}
	if got := next[connected](f).client.Address(); got != second.URL {
		t.Errorf("connected to %s, want %s", got, second.URL)
	}
}

func TestANodeThatComesBackIsFollowedAgain(t *testing.T) {
	node := toptest.New(t)
	node.Refuse(&api.StatusError{Status: http.StatusServiceUnavailable, Message: "it starts"})
	f := follow(t, node.URL, patient())
	for range 3 {
		if got := next[lost](f); got.err.Error() != "it starts" {
			t.Fatalf("lost because %v", got.err)
		}
	}
	node.Refuse(nil)
	next[connected](f)
}

func TestANodeThatIsSilentIsGivenUp(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and nothing else
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	quiet := toptest.New(t) // it tells of itself, and then nothing
	for _, address := range []string{"http://" + hanging.Addr().String(), quiet.URL} {
		p := patient()
		p.silence = 50 * time.Millisecond
		if got := next[lost](follow(t, address, p)); !errors.Is(got.err, errSilent) {
			t.Errorf("%s is lost because %v, want because it is silent", address, got.err)
		}
	}
}

func TestWhoIsRefusedAccessTriesNoLonger(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		node := toptest.New(t)
		node.Refuse(&api.StatusError{Status: status, Message: "log in"})
		f := follow(t, node.URL, patient())
		if got := next[lost](f); !refused(got.err) {
			t.Errorf("lost because %v", got.err)
		}
		select {
		case <-f.ended:
		case <-time.After(20 * time.Second):
			t.Error("it goes on")
		}
	}
}

func TestWhatIsWantedIsWatchedAlsoAtTheNextNode(t *testing.T) {
	first, second := toptest.New(t), toptest.New(t)
	tellOf(first, second)
	f := follow(t, first.URL, patient())
	next[told](f)
	f.watch([]string{"TRADE_EVENTS:XRPUSDT"})
	await(t, first, "TRADE_EVENTS:XRPUSDT")
	first.Close()
	await(t, second, "TRADE_EVENTS:XRPUSDT")
	second.Say(api.LiveFrame{Kind: api.LiveMessage, Topic: "TRADE_EVENTS:XRPUSDT", Data: []byte(`{"symbol":"XRPUSDT","price":"9","source":"replay"}`)})
	second.Say(api.LiveFrame{Kind: api.LiveMessage, Topic: "ORDERS:XRPUSDT", Data: []byte(`{"symbol":"XRPUSDT","price":"9"}`)})
	second.Trade("XRPUSDT", "0.51")
	if got := next[traded](f); len(got) != 1 || got["XRPUSDT"].String() != "0.51" {
		t.Errorf("prices %v, want that of the live trade", got)
	}
}

// await waits until a client watches the topics.
func await(t *testing.T, n *toptest.Node, topics ...string) {
	t.Helper()
	for {
		select {
		case got := <-n.Watching():
			if slices.Equal(got, topics) {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody watches %v", topics)
		}
	}
}

func TestWhereOtherNodesAnswer(t *testing.T) {
	for _, test := range []struct{ from, http, gossip, want string }{
		{"http://127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:7946", "http://127.0.0.1:8082"},
		{"http://localhost:8081", "localhost:8082", "127.0.0.1:7946", "http://localhost:8082"},
		{"https://192.0.2.1:8080", "192.0.2.2:8080", "192.0.2.2:7946", "https://192.0.2.2:8080"},
		{"https://192.0.2.1:8080", "0.0.0.0:8080", "192.0.2.2:7946", "https://192.0.2.2:8080"},
		{"https://192.0.2.1:8080", "[::]:8080", "[2001:db8::2]:7946", "https://[2001:db8::2]:8080"},
		{"https://192.0.2.1:8080", ":8080", "192.0.2.2:7946", "https://192.0.2.2:8080"},
		{"https://192.0.2.1:8080", "127.0.0.1:8080", "192.0.2.2:7946", ""},
		{"https://192.0.2.1:8080", "localhost:8080", "192.0.2.2:7946", ""},
		{"https://192.0.2.1:8080", "", "192.0.2.2:7946", ""},
		{"https://192.0.2.1:8080", ":8080", "", ""},
	} {
		got, ok := reachable(test.from, api.ClusterNode{HTTP: test.http, Address: test.gossip})
		if got != test.want || ok != (test.want != "") {
			t.Errorf("from %s a node at %q, gossip %q: %q, want %q", test.from, test.http, test.gossip, got, test.want)
		}
	}
}

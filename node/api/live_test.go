package api_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"hedgehog/node/api"
)

func TestWhoFollowsANodeThatHangsCanGiveUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := api.NewClient(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var hanging sync.WaitGroup
	defer hanging.Wait()
	hanging.Go(func() {
		// It has taken the connection, and says nothing.
		if connection, err := listener.Accept(); err == nil {
			defer connection.Close()
			_, _ = connection.Read(make([]byte, 1))
			giveUp(enough)
			_, _ = connection.Read(make([]byte, 1<<10))
		}
	})
	if _, err := client.Live(ctx); !errors.Is(err, enough) {
		t.Errorf("following a node that hangs, given up: %v, want the reason", err)
	}
}

package consensus

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/raft"
)

// The library stops reading a pipeline's answers with the first refusal, and may
// send once more before it notices. That has to end for the follower to be given
// anything again, and for the library to end.
func TestWhatIsSentAfterARefusalDoesNotWaitForEver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go refuse(theirs)
		return ours, nil
	}
	transport := newTransport("", listener, dial, time.Second, newAcks(), hclog.NewNullLogger())
	defer transport.Close()
	pipeline, err := transport.AppendEntriesPipeline("n2", "127.0.0.1:1")
	if errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Close()
	sent := make(chan error)
	go func() {
		for range 3 {
			_, err := pipeline.AppendEntries(&raft.AppendEntriesRequest{Term: 1}, new(raft.AppendEntriesResponse))
			sent <- err
		}
	}()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	<-pipeline.Consumer() // the refusal, after which the library reads no more
	for range 2 {
		select {
		case err = <-sent:
		case <-time.After(5 * time.Second):
			t.Fatal("sending waits though nobody reads the answers")
		}
	}
	if err == nil {
		t.Error("the pipeline goes on after a refusal")
	}
}

// refuse answers every message with a refusal, as a follower whose log lacks what
// came before.
func refuse(conn net.Conn) {
	defer conn.Close()
	handle := &codec.MsgpackHandle{}
	in, out := codec.NewDecoder(conn, handle), codec.NewEncoder(conn, handle)
	kind := make([]byte, 1)
	for {
		if _, err := io.ReadFull(conn, kind); err != nil {
			return
		}
		var request raft.AppendEntriesRequest
		if in.Decode(&request) != nil || out.Encode("") != nil || out.Encode(raft.AppendEntriesResponse{Term: request.Term}) != nil {
			return
		}
	}
}

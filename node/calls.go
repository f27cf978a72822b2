package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/consensus"
	"hedgehog/cluster/peer"
	"hedgehog/node/access"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// calls asks other nodes.
type calls struct{ client *http.Client }

// maxCall bounds the bodies of calls.
const maxCall = 64 << 20

// portCalls are HTTP on the shared TLS port, where both ends have shown that they
// belong to the cluster.
type portCalls struct {
	*http.Transport
	listener net.Listener
}

func openCalls(port Port, address func(node string) (string, error)) Calls {
	transport := &http.Transport{
		// The host is the name of the node that has to answer.
		DialContext: func(ctx context.Context, _, host string) (net.Conn, error) {
			node, _, err := net.SplitHostPort(host)
			if err != nil {
				return nil, err
			}
			at, err := address(node)
			if err != nil {
				return nil, err
			}
			return port.Dial(ctx, peer.Call, at, node)
		},
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}
	return portCalls{transport, port.Listener(peer.Call)}
}

func (c portCalls) Serve(ctx context.Context, handler http.Handler) error {
	defer c.CloseIdleConnections()
	return serveHTTP(ctx, c.listener, handler, func(ctx context.Context, conn net.Conn) context.Context {
		return WithCaller(ctx, peer.PeerName(conn))
	}, nil)
}

// post sends a body to a node and reads the answer.
func (c *calls) post(ctx context.Context, node, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("call %s%s: %w", node, path, err)
	}
	return c.do(ctx, http.MethodPost, node, path, content, answer)
}

// get reads an answer of a node.
func (c *calls) get(ctx context.Context, node, path string, answer any) error {
	return c.do(ctx, http.MethodGet, node, path, nil, answer)
}

func (c *calls) do(ctx context.Context, method, node, path string, content []byte, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+node+path, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("call %s%s: %w", node, path, err)
	}
	response, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("call %s%s: %w", node, path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var p api.Problem
		if err := json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&p); err != nil || p.Error == "" {
			p.Error = response.Status
		}
		return &callError{node: node, status: response.StatusCode, reason: p.Error}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxCall)).Decode(answer); err != nil {
		return fmt.Errorf("answer of %s to %s: %w", node, path, err)
	}
	return nil
}

// callError is another node's refusal of a call.
type callError struct {
	node   string
	status int
	reason string
}

func (e *callError) Error() string { return e.reason }

// Is tells the refusals apart that callers act on.
func (e *callError) Is(target error) bool {
	return target == cluster.ErrNotLeader && e.status == http.StatusMisdirectedRequest
}

// peerHandler answers the calls of other nodes.
func (n *Node) peerHandler() http.Handler {
	mux := http.NewServeMux()
	n.route(mux, []endpoint{
		{"POST /renew", access.None, n.postRenew},
		{"POST /propose", access.None, n.postPropose},
	})
	n.route(mux, n.localQueries())
	n.route(mux, n.trialsOf(func(here handler) handler { return here }))
	return mux
}

func (n *Node) postRenew(w http.ResponseWriter, r *http.Request) error {
	var renewal cluster.Renewal
	if err := readBody(w, r, &renewal, maxCall); err != nil {
		return err
	}
	if caller, _ := r.Context().Value(callerKey{}).(string); renewal.Node != caller {
		return &requestError{status: http.StatusForbidden, reason: fmt.Sprintf("%q asks for a lease of %q", caller, renewal.Node)}
	}
	grant, err := n.controller.Renew(r.Context(), renewal)
	if err != nil {
		return err
	}
	return answer(w, grant)
}

// proposal is a command on its way to the leader, and outcome the way back.
type proposal struct {
	Command json.RawMessage `json:"command"`
}

type outcome struct {
	Settings *storage.Settings `json:"settings,omitempty"`
	Applied  int               `json:"applied"`
	// Refusal is why the command changed nothing; Reason tells the kinds apart.
	Refusal string `json:"refusal,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// reasons are the refusals that keep their meaning between nodes.
var reasons = map[string]error{
	"unknown symbol": storage.ErrUnknownSymbol,
	"unknown node":   storage.ErrUnknownNode,
	"unknown token":  storage.ErrUnknownToken,
	"conflict":       storage.ErrConflict,
	"refused":        storage.ErrRefused,
}

// refusal is a command's refusal that came from another node.
type refusal struct {
	text   string
	reason error
}

func (e *refusal) Error() string { return e.text }
func (e *refusal) Unwrap() error { return e.reason }

func (n *Node) postPropose(w http.ResponseWriter, r *http.Request) error {
	var p proposal
	if err := readBody(w, r, &p, maxCall); err != nil {
		return err
	}
	command, err := storage.DecodeCommand(p.Command)
	if err != nil {
		return badRequest("command: %v", err)
	}
	result, err := n.proposeHere(r.Context(), command)
	var o outcome
	switch {
	case err == nil:
		o = outcome{Settings: result.Settings, Applied: result.Applied}
	default:
		for reason, sentinel := range reasons {
			if errors.Is(err, sentinel) {
				o = outcome{Refusal: err.Error(), Reason: reason}
			}
		}
		if o.Refusal == "" {
			return err
		}
	}
	return answer(w, o)
}

// proposeHere commits a command on this node, which has to lead.
func (n *Node) proposeHere(ctx context.Context, c storage.Command) (storage.Result, error) {
	data, err := c.Encode()
	if err != nil {
		return storage.Result{}, err
	}
	applied, err := n.consensus.Propose(ctx, data)
	if err != nil {
		return storage.Result{}, err
	}
	switch a := applied.(type) {
	case storage.Result:
		return a, a.Err
	case error:
		return storage.Result{}, a
	default:
		return storage.Result{}, fmt.Errorf("a command was answered with %T", applied)
	}
}

// proposePause is how long a proposal waits before it looks for the leader again.
// The times that callers give it are no multiples: none runs out with a pause, when
// it would be chance whether there is one more try.
const proposePause = 47 * time.Millisecond

// propose commits a command, wherever the leader is. It tries again while there
// is none, and where nobody knows what came of a try, until ctx ends: as one
// proposal it takes effect once. A leader that does not answer for a lease is none.
func (n *Node) propose(ctx context.Context, c storage.Command) (storage.Result, error) {
	name, err := n.proposalName(c)
	if err != nil {
		return storage.Result{}, err
	}
	c.Proposal = name
	for {
		try, cancel := context.WithTimeout(ctx, profiles[n.config.Profile].lease.Lease)
		result, err := n.proposeOnce(try, c)
		cancel()
		if err == nil || !mayTryAgain(err) {
			return result, err
		}
		if pause(ctx, proposePause) != nil {
			return storage.Result{}, fmt.Errorf("%w: %w", errNotReady, err)
		}
	}
}

// pause returns when d has passed, or ctx's cause when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// proposalName names the wish for a command by who has it, when and what it is: what
// is wished for twice in one nanosecond is wished for once. A count would depend on
// which of several goroutines comes first.
func (n *Node) proposalName(c storage.Command) (string, error) {
	data, err := c.Encode()
	if err != nil {
		return "", err
	}
	what := fnv.New64a()
	_, _ = what.Write(data)
	return fmt.Sprintf("%s/%d/%d/%x", n.config.Name, n.run, n.now().Sub(n.started), what.Sum64()), nil
}

func (n *Node) proposeOnce(ctx context.Context, c storage.Command) (storage.Result, error) {
	leader, ok := n.consensus.Leader()
	switch {
	case !ok:
		return storage.Result{}, errNoLeader
	case leader.Name == n.config.Name:
		return n.proposeHere(ctx, c)
	}
	data, err := c.Encode()
	if err != nil {
		return storage.Result{}, err
	}
	var o outcome
	if err := n.calls.post(ctx, leader.Name, "/propose", proposal{Command: data}, &o); err != nil {
		return storage.Result{}, fmt.Errorf("%w: %w", errLeaderUnreachable, err)
	}
	if o.Refusal != "" {
		return storage.Result{}, &refusal{text: o.Refusal, reason: reasons[o.Reason]}
	}
	return storage.Result{Settings: o.Settings, Applied: o.Applied}, nil
}

// errLeaderUnreachable is returned when the node that leads does not answer.
var errLeaderUnreachable = errors.New("the leader does not answer")

func mayTryAgain(err error) bool {
	for _, passing := range []error{errNoLeader, errLeaderUnreachable, cluster.ErrNotLeader, consensus.ErrNotLeader, consensus.ErrUnknownOutcome} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

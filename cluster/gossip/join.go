package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// joinPause is the longest pause between two rounds of Join.
const joinPause = 2 * time.Second

// pings is how often a node is asked whether it lives before it is taken for
// dead.
const pings = 3

var errEnded = errors.New("gossip has ended")

// Join makes this node a member of the cluster that one of the addresses
// (host:port; names of several addresses, too) belongs to. It tries all of them
// again and again, with growing pauses, until one answers or ctx ends. It gives
// up with ErrNameTaken, ErrWrongSecret, ErrOtherCluster or ErrMeta when nobody
// takes the node in and somebody answered that; Run, too, ends with ErrNameTaken
// then. Once it has joined, Run
// joins again through these addresses when this node finds itself alone.
func (g *Gossip) Join(ctx context.Context, addresses []string) error {
	for _, address := range addresses {
		if err := checkAddress("join address", address); err != nil {
			return err
		}
	}
	if len(addresses) == 0 {
		return nil
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 50*time.Millisecond, joinPause
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := g.joinAny(ctx, addresses)
		if isFinal(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			if last == nil {
				g.log.Warn("nobody to join yet", "addresses", addresses, "error", err)
			}
			last = err
			g.log.Debug("joining again", "pause", pause, "error", err)
		}))
	if err == nil {
		g.mu.Lock()
		g.seeds = slices.Clone(addresses)
		g.mu.Unlock()
		return nil
	}
	if last != nil && ctx.Err() != nil {
		return fmt.Errorf("join %s: %w; at last: %w", strings.Join(addresses, ", "), context.Cause(ctx), last)
	}
	return fmt.Errorf("join %s: %w", strings.Join(addresses, ", "), err)
}

func isFinal(err error) bool {
	return slices.ContainsFunc([]error{ErrNameTaken, ErrWrongSecret, ErrOtherCluster, ErrMeta, errEnded},
		func(final error) bool { return errors.Is(err, final) })
}

// joinAny goes through the addresses until one answers.
func (g *Gossip) joinAny(ctx context.Context, addresses []string) error {
	targets, err := g.resolve(ctx, addresses)
	failures := []error{err}
	for _, target := range targets {
		err := g.attempt(ctx, target)
		if err == nil {
			return nil
		}
		if err := g.displaced(err); err != nil {
			return err
		}
		failures = append(failures, fmt.Errorf("%s: %w", target, err))
	}
	if len(targets) == 0 && err == nil {
		return g.onlyOwn()
	}
	return errors.Join(failures...)
}

// onlyOwn is what there is to say when no address is another node's: names may
// come to mean more.
func (g *Gossip) onlyOwn() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended != nil {
		return g.ended
	}
	return errors.New("no address but this node's own")
}

// resolve returns the IP addresses, with ports, that the addresses stand for,
// without this node's own; and what could not be looked up.
func (g *Gossip) resolve(ctx context.Context, addresses []string) ([]string, error) {
	var targets []string
	var failures []error
	for _, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			failures = append(failures, err)
		}
		for _, ip := range ips {
			target := net.JoinHostPort(ip.Unmap().String(), port)
			if target != g.address && !slices.Contains(targets, target) {
				targets = append(targets, target)
			}
		}
	}
	return targets, errors.Join(failures...)
}

// attempt exchanges all that is known with the node at the address. An exchange
// that ctx cuts short ends at the latest with Run.
func (g *Gossip) attempt(ctx context.Context, target string) error {
	done := make(chan error, 1)
	g.mu.Lock()
	if err := g.ended; err != nil {
		g.mu.Unlock()
		return err
	}
	g.attempts.Go(func() {
		_, err := g.list.Join([]string{target})
		done <- err
	})
	g.mu.Unlock()
	select {
	case err := <-done:
		return g.explain(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// explain finds the cause of a failed join: memberlist passes on texts only.
func (g *Gossip) explain(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if refusal := g.door.lastRefusal(); refusal != nil && strings.Contains(text, refusal.Error()) {
		return refusal
	}
	if strings.Contains(text, "no installed keys could decrypt") || strings.Contains(text, "remote state is not encrypted") {
		return ErrWrongSecret
	}
	return errors.New(strings.Join(strings.Fields(text), " ")) // it is a list of several lines
}

// answers tells whether a node of this one's name lives at the address.
func (g *Gossip) answers(address string) bool {
	at, err := net.ResolveUDPAddr("udp", address)
	for range pings {
		if err != nil {
			return false
		}
		if _, e := g.list.Ping(g.config.Name, at); e == nil {
			return true
		}
	}
	return false
}

package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"hedgehog/cluster"
	"hedgehog/cluster/lease"
	"hedgehog/exchange"
	"hedgehog/node/metrics"
)

func TestTheDatabaseIsTriedOnceASecondHoweverManyAsk(t *testing.T) {
	var p probe
	broken, tries := errors.New("disk is full"), 0
	var fails error
	ask := func(at time.Duration) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // whoever asks may have gone
		return p.database(ctx, time.Unix(1, 0).Add(at), func(ctx context.Context) error {
			tries++
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fails
		})
	}
	if err := ask(0); err != nil || tries != 1 {
		t.Errorf("first: %v after %d tries", err, tries)
	}
	fails = broken
	if err := ask(probeEvery - 1); err != nil || tries != 1 {
		t.Errorf("within the second: %v after %d tries", err, tries)
	}
	if err := ask(probeEvery); !errors.Is(err, broken) || tries != 2 {
		t.Errorf("a second later: %v after %d tries", err, tries)
	}
}

func TestOutcomesOfOrders(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want metrics.Outcome
	}{
		{nil, metrics.Placed},
		{fmt.Errorf("place: %w: %w", exchange.ErrUnknownOutcome, exchange.ErrUnavailable), metrics.Unknown},
		{fmt.Errorf("place: %w", lease.ErrNoLease), metrics.NoLease},
		{fmt.Errorf("place: %w", &exchange.FilterError{Symbol: "A", Filter: "NOTIONAL"}), metrics.Filtered},
		{fmt.Errorf("place: %w", exchange.ErrOrderRejected), metrics.Rejected},
		{fmt.Errorf("place: %w", exchange.ErrDuplicateOrder), metrics.Rejected},
		{fmt.Errorf("place: %w", exchange.ErrRateLimited), metrics.RateLimited},
		{fmt.Errorf("place: %w", exchange.ErrUnavailable), metrics.Unavailable},
		{fmt.Errorf("place: %w", exchange.ErrUnauthorized), metrics.Failed},
		{context.Canceled, metrics.Failed},
	} {
		if got := outcomeOf(tt.err); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestASymbolIsTakenOverWhenItComesFromAnotherNode(t *testing.T) {
	before := map[string]cluster.Assignment{
		"FAILED": {Node: "n2", Epoch: 3}, "HANDED": {Node: "n2", Epoch: 3, Next: "n1"}, "AGAIN": {Node: "n1", Epoch: 3},
		"FREE": {Epoch: 3}, "OTHERS": {Node: "n2", Epoch: 3, Next: "n3"}, "SAME": {Node: "n1", Epoch: 4},
	}
	after := map[string]cluster.Assignment{
		"FAILED": {Node: "n1", Epoch: 4}, "HANDED": {Node: "n1", Epoch: 4}, "AGAIN": {Node: "n1", Epoch: 4},
		"FREE": {Node: "n1", Epoch: 4}, "OTHERS": {Node: "n3", Epoch: 4}, "SAME": {Node: "n1", Epoch: 4}, "NEW": {Node: "n1", Epoch: 1},
	}
	want := map[string]metrics.Takeover{"FAILED": metrics.FailedOver, "HANDED": metrics.HandedOver}
	for symbol := range after {
		got, ok := takeoverBy("n1", before[symbol], after[symbol])
		if how, should := want[symbol]; ok != should || got != how {
			t.Errorf("%s: %q, %t, want %q, %t", symbol, got, ok, how, should)
		}
	}
}

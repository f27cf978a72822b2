//go:build linux

package main_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/node/api"
)

// operator changes settings, moves symbols and drains nodes while storms rage,
// with one node or another, and remembers what was acknowledged.
type operator struct {
	s                        *soak
	random                   *rand.Rand
	clients                  []*api.Client
	changes                  int                  // of settings, asked for
	budgets                  map[string]*register // by symbol
	acknowledged, unanswered int                  // changes of any kind
}

// register is a value that is written again and again, each time another.
type register struct {
	last string   // acknowledged last
	open []string // asked for, with unknown outcome: each may become true at any time
}

// operatorPatience is how long the operator waits for an answer.
const operatorPatience = 3 * time.Second

func newOperator(s *soak) *operator {
	o := &operator{s: s, random: rand.New(rand.NewPCG(s.seed, 2)), budgets: make(map[string]*register)}
	for _, name := range s.names {
		o.clients = append(o.clients, s.c.members[name].client)
	}
	for _, symbol := range s.c.symbols {
		o.budgets[symbol] = &register{last: "1000"} // as trade has set it
	}
	return o
}

// work lets the operator work until stop is called.
func (o *operator) work() (stop func()) {
	ctx, cancel := context.WithCancel(o.s.t.Context())
	var working sync.WaitGroup
	working.Go(func() {
		for {
			timer := time.NewTimer(200*time.Millisecond + time.Duration(o.random.Int64N(int64(800*time.Millisecond))))
			select {
			case <-timer.C:
				o.change(ctx)
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	})
	return func() {
		cancel()
		working.Wait()
	}
}

// change asks for one change.
func (o *operator) change(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, operatorPatience)
	defer cancel()
	client := o.clients[o.random.IntN(len(o.clients))]
	node := o.s.names[o.random.IntN(len(o.s.names))]
	symbol := o.s.c.symbols[o.random.IntN(len(o.s.c.symbols))]
	var err error
	switch o.random.IntN(10) {
	case 0:
		_, err = client.ChangeNode(ctx, "drain", api.NodeRequest{Node: node})
	case 1:
		_, err = client.ChangeNode(ctx, "undrain", api.NodeRequest{Node: node})
	case 2:
		_, err = client.Pin(ctx, api.PinRequest{Symbols: []string{symbol}, Node: node})
	case 3:
		_, err = client.Pin(ctx, api.PinRequest{Symbols: []string{symbol}})
	case 4:
		_, err = client.Assign(ctx, api.AssignRequest{Symbols: []string{symbol}, Node: node})
	case 5:
		_, err = client.ChangeNode(ctx, "transfer-leader", api.NodeRequest{})
	default:
		err = o.setBudget(ctx, client, symbol)
	}
	if err != nil {
		o.unanswered++
	} else {
		o.acknowledged++
	}
}

// setBudget gives the symbol a budget that it never had.
func (o *operator) setBudget(ctx context.Context, client *api.Client, symbol string) error {
	o.changes++
	budget := decimal.New(100_000+int64(o.changes), -2)
	_, err := client.Change(ctx, symbol, api.Change{Budget: &budget})
	if r := o.budgets[symbol]; err == nil {
		r.last = budget.String()
	} else {
		r.open = append(r.open, budget.String())
	}
	return err
}

// tidy undoes the drains and pins.
func (o *operator) tidy() {
	o.s.t.Helper()
	for _, name := range o.s.names {
		o.insist("undrain "+name, func(ctx context.Context, client *api.Client) error {
			_, err := client.ChangeNode(ctx, "undrain", api.NodeRequest{Node: name})
			return err
		})
	}
	o.insist("unpin all", func(ctx context.Context, client *api.Client) error {
		_, err := client.Pin(ctx, api.PinRequest{Symbols: o.s.c.symbols})
		return err
	})
}

// insist asks until it is done.
func (o *operator) insist(what string, ask func(context.Context, *api.Client) error) {
	o.s.t.Helper()
	eventuallyEvery(o.s.t, 100*time.Millisecond, what, func() bool {
		ctx, cancel := context.WithTimeout(o.s.t.Context(), operatorPatience)
		defer cancel()
		return ask(ctx, o.clients[o.random.IntN(len(o.clients))]) == nil
	})
}

// judge expects each node to have stored, of each setting, what was acknowledged
// last, or what was asked for without an answer.
func (o *operator) judge() {
	t := o.s.t
	t.Helper()
	type row struct{ symbol, budget string }
	for _, name := range o.s.names {
		db := openDatabase(t, o.s.c.members[name].database())
		stored := make(map[string]string)
		for _, r := range query(t, db, "SELECT symbol, budget FROM trading_settings", func(rows *sql.Rows, r *row) error {
			return rows.Scan(&r.symbol, &r.budget)
		}) {
			stored[r.symbol] = r.budget
		}
		for symbol, want := range o.budgets {
			if got := stored[symbol]; got != want.last && !slices.Contains(want.open, got) {
				t.Errorf("%s: the budget of %s is %q, but %q was acknowledged last", name, symbol, got, want.last)
			}
		}
	}
}

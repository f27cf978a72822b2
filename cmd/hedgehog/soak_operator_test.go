//go:build linux

package main_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/node/judge"
)

// operator changes settings, moves symbols and drains nodes while storms rage,
// through one node or another, and has all of it written down.
type operator struct {
	s       *soak
	random  *rand.Rand
	clients []*api.Client
	history judge.History // of the settings
	budgets int           // that were asked for
	// acknowledged and unanswered count changes of any kind.
	acknowledged, unanswered int
}

// operatorPatience is how long the operator waits for an answer.
const operatorPatience = 3 * time.Second

func newOperator(s *soak) *operator {
	o := &operator{s: s, random: rand.New(rand.NewPCG(s.seed, 2))}
	for _, name := range s.names {
		o.clients = append(o.clients, s.c.members[name].client)
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
	case 6:
		err = o.readBudget(ctx, client, symbol)
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
	o.budgets++
	budget := decimal.New(100_000+int64(o.budgets), -2)
	call := o.history.Invoke(now(), judge.Call{Client: "operator", Key: symbol, Write: map[string]string{"budget": budget.String()}})
	_, err := client.Change(ctx, symbol, api.Change{Budget: &budget})
	if err == nil {
		o.history.Return(now(), call, nil)
	}
	return err
}

// readBudget reads the symbol's budget as a node has it.
func (o *operator) readBudget(ctx context.Context, client *api.Client, symbol string) error {
	call := o.history.Invoke(now(), judge.Call{Client: "operator", Key: symbol, Behind: true})
	settings, err := client.Symbol(ctx, symbol)
	if err == nil {
		o.history.Return(now(), call, map[string]string{"budget": settings.Trading.Budget.String()})
	}
	return err
}

func now() exchange.Micros { return exchange.MicrosOf(time.Now()) }

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

// judge expects that what all nodes have stored in the end, and what was read, is
// explained by one order of the changes, those that were acknowledged among them.
func (o *operator) judge() {
	t := o.s.t
	t.Helper()
	for _, name := range o.s.names {
		db := openDatabase(t, o.s.c.members[name].database())
		type row struct{ symbol, budget string }
		for _, r := range query(t, db, "SELECT symbol, budget FROM trading_settings", func(rows *sql.Rows, r *row) error {
			return rows.Scan(&r.symbol, &r.budget)
		}) {
			call := o.history.Invoke(now(), judge.Call{Client: name, Key: r.symbol})
			o.history.Return(now(), call, map[string]string{"budget": r.budget})
		}
	}
	for _, v := range o.history.Check(time.Minute) {
		t.Errorf("violation: %s", v)
	}
}

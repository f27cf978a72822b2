package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/node/judge"
)

// client is a user who changes settings and reads them, at whichever node, one
// after the other. What he was answered is judged when the run is over.
type client struct {
	w      *world
	name   string
	random *rand.Rand
	writes int
}

// use has clients and an administrator use the cluster until ctx ends; the function
// that is returned waits for the last of their calls.
func (w *world) use(ctx context.Context) (wait func()) {
	var users sync.WaitGroup
	for i := range 3 {
		c := &client{w: w, name: fmt.Sprintf("client %d", i+1), random: rand.New(rand.NewPCG(w.seed, uint64(100+i)))}
		do := c.call
		if i == 2 {
			c.name = "administrator"
			do = (&administrator{client: c}).act
		}
		users.Go(func() { c.run(ctx, do) })
	}
	return users.Wait
}

func (c *client) run(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		do()
		pause := time.NewTimer(time.Duration(c.random.Int64N(int64(900 * time.Millisecond))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// call writes the budget of a symbol or reads it, through the log or from the
// node's own copy.
func (c *client) call() {
	w, symbol := c.w, c.w.symbols[c.random.IntN(len(c.w.symbols))]
	m := w.machines[w.names[c.random.IntN(len(w.names))]]
	call := judge.Call{Client: c.name, Key: symbol}
	method, change, what := http.MethodPatch, map[string]any{}, "reads the budget"
	switch c.random.IntN(4) {
	case 0, 1:
		c.writes++
		budget := fmt.Sprintf("%d.%s%03d1", 1000, c.name[len(c.name)-1:], c.writes)
		change["budget"] = budget
		call.Write = map[string]string{"budget": budget}
		what = "sets the budget to " + budget
	case 2:
		method, call.Behind = http.MethodGet, true
	}
	id := w.history.Invoke(exchange.MicrosOf(w.venue.now()), call)
	var s api.Settings
	err := w.ask(context.Background(), m, method, "/symbols/"+symbol, change, &s)
	var refused *api.StatusError
	switch {
	case err == nil:
		w.history.Return(exchange.MicrosOf(w.venue.now()), id, map[string]string{"budget": s.Trading.Budget.String()})
		w.note("%s %s of %s at %s: %s", c.name, what, symbol, m.name, s.Trading.Budget)
	case errors.As(err, &refused) && refused.Status < 500:
		w.history.Refuse(id)
		w.note("%s %s of %s at %s: refused, %v", c.name, what, symbol, m.name, err)
	default:
		w.note("%s %s of %s at %s: unknown, %v", c.name, what, symbol, m.name, err)
	}
}

package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"hedgehog/node/api"
)

// operator is the participant that uses the nodes' API, each from its own machine.
const operator = "operator"

// patience is how long a user waits for an answer.
const patience = 4 * time.Second

// ask calls a node's API.
func (w *world) ask(ctx context.Context, m *machine, method, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		find := func() *listener {
			w.mu.Lock()
			defer w.mu.Unlock()
			if m.life == nil {
				return nil
			}
			return m.life.api
		}
		return w.connect(ctx, operator, nil, m.name, find, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
	}}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1:8080/api/v1"+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err = io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return &api.StatusError{Status: response.StatusCode, Message: string(content)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(content, answer)
}

// insist asks until a node does it.
func (w *world) insist(m *machine, method, path string, body any) error {
	var err error
	for range 50 {
		if err = w.ask(context.Background(), m, method, path, body, nil); err == nil {
			return nil
		}
		time.Sleep(w.within("operator pauses", 150*time.Millisecond, 250*time.Millisecond))
	}
	return fmt.Errorf("%s %s: %w", method, path, err)
}

// traded says whether every symbol is traded by a node that runs, and goes on
// seeing trades; if not, what is missing.
func (w *world) traded(seen map[string]int64) string {
	missing := ""
	for _, symbol := range w.symbols {
		name := w.court.ownerOf(symbol)
		m := w.machines[name]
		if m == nil || w.lifeOf(name) == nil {
			missing += fmt.Sprintf("%s has no living owner; ", symbol)
			continue
		}
		var s api.Status
		if err := w.ask(context.Background(), m, http.MethodGet, "/status", nil, &s); err != nil {
			missing += fmt.Sprintf("%s: %v; ", name, err)
			continue
		}
		state := fmt.Sprintf("%s is not in the status of %s; ", symbol, name)
		for _, row := range s.Symbols {
			if row.Symbol != symbol {
				continue
			}
			state = ""
			switch {
			case row.Trading.Status != "on" && w.mayBeOff(symbol): // a shutdown that came late
				_ = w.ask(context.Background(), m, http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "on"}, nil)
				state = symbol + " is being turned on; "
			case row.Node != name || row.OpenPositions == 0 || !row.StreamConnected:
				state = fmt.Sprintf("%s at %s: owner %q, %d positions, connected %v, error %q, trading %s, parts %+v; ",
					symbol, name, row.Node, row.OpenPositions, row.StreamConnected, row.TradingError, row.Trading.Status, row.Parts)
			case seen[symbol] == 0:
				seen[symbol] = row.LastTradeID
				state = symbol + " has yet to go on; "
			case row.LastTradeID <= seen[symbol]:
				state = symbol + " sees no trades; "
			}
		}
		missing += state
	}
	return missing
}

// await waits until everything is traded, and returns how long that took.
func (w *world) await(bound time.Duration) (time.Duration, bool) {
	began, seen, missing := w.now(), make(map[string]int64), ""
	for w.now()-began < bound {
		if missing = w.traded(seen); missing == "" {
			w.note("everything is traded, after %v", w.now()-began)
			return w.now() - began, true
		}
		time.Sleep(w.within("operator looks again", 90*time.Millisecond, 110*time.Millisecond))
	}
	w.note("missing after %v: %s", bound, missing)
	return 0, false
}

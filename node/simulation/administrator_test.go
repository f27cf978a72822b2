package simulation_test

import (
	"context"
	"net/http"
)

// administrator is a user who moves symbols about, and shuts their trading down
// and starts it again.
type administrator struct{ *client }

// act asks some node for one thing, which may fail.
func (a *administrator) act() {
	w, symbol := a.w, a.w.symbols[a.random.IntN(len(a.w.symbols))]
	m, target := w.machines[w.names[a.random.IntN(len(w.names))]], w.names[a.random.IntN(len(w.names))]
	method, path, body := http.MethodPost, "/cluster/pin", map[string]any{"symbols": []string{symbol}, "node": target}
	switch a.random.IntN(6) {
	case 0:
		body["node"] = ""
	case 1, 2:
		path = "/cluster/assign"
	case 3:
		path, body = "/cluster/rebalance", map[string]any{}
	case 4:
		method, path, body = http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "shutdown"}
		w.setMeant(symbol, false)
	case 5:
		a.turnOn(m, symbol)
		return
	}
	err := w.ask(context.Background(), m, method, path, body, nil)
	w.note("%s: %s %v at %s: %v", a.name, path, body, m.name, err)
}

// turnOn has the symbol traded, whatever was asked for before.
func (a *administrator) turnOn(m *machine, symbol string) {
	w := a.w
	err := w.ask(context.Background(), m, http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "on"}, nil)
	w.note("%s: has %s traded again at %s: %v", a.name, symbol, m.name, err)
	if err == nil {
		w.setMeant(symbol, true)
	}
}

// setMeant notes whether the symbol's trading was last acknowledged to be on.
func (w *world) setMeant(symbol string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off[symbol] = !on
}

// settle takes back what may have been asked for during the faults: pins, drains
// and shutdowns. A symbol whose trading was acknowledged to be on must be on.
func (w *world) settle() error {
	first := w.machines[w.names[0]]
	for _, name := range w.names {
		if err := w.insist(first, http.MethodPost, "/cluster/undrain", map[string]any{"node": name}); err != nil {
			return err
		}
	}
	for _, symbol := range w.symbols {
		if err := w.insist(first, http.MethodPost, "/cluster/pin", map[string]any{"symbols": []string{symbol}, "node": ""}); err != nil {
			return err
		}
		w.mu.Lock()
		off := w.off[symbol]
		w.mu.Unlock()
		if !off {
			continue
		}
		if err := w.insist(first, http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "on"}); err != nil {
			return err
		}
	}
	return nil
}

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
		w.shutDown(symbol)
	case 5:
		a.turnOn(m, symbol)
		return
	}
	err := w.ask(context.Background(), m, method, path, body, nil)
	w.note("%s: %s %v at %s: %v", a.name, path, body, m.name, err)
	if err != nil && method == http.MethodPatch {
		w.doubt(symbol)
	}
}

// turnOn has the symbol traded, whatever was asked for before.
func (a *administrator) turnOn(m *machine, symbol string) {
	w := a.w
	err := w.ask(context.Background(), m, http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "on"}, nil)
	w.note("%s: has %s traded again at %s: %v", a.name, symbol, m.name, err)
	if err == nil {
		w.turnedOn(symbol)
	}
}

// Whether a symbol's trading may be off: it was shut down, and not acknowledged to
// be on again since; or a shutdown may still be on its way.
const (
	surelyOn = iota
	shutDown
	doubtful
)

func (w *world) shutDown(symbol string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off[symbol] = max(w.off[symbol], shutDown)
}

func (w *world) doubt(symbol string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off[symbol] = doubtful
}

func (w *world) turnedOn(symbol string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off[symbol] == shutDown {
		w.off[symbol] = surelyOn
	}
}

func (w *world) mayBeOff(symbol string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.off[symbol] != surelyOn
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
		if !w.mayBeOff(symbol) {
			continue
		}
		if err := w.insist(first, http.MethodPatch, "/symbols/"+symbol, map[string]any{"trading_status": "on"}); err != nil {
			return err
		}
	}
	return nil
}

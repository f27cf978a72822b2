package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"hedgehog/data/backtest"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/node/backtests"
	"hedgehog/strategy/naive"
)

const (
	// backtestsWaiting is how many backtests may wait for the one that runs.
	backtestsWaiting = 4
	// backtestsKept is how many a node remembers.
	backtestsKept = 50
)

// openBacktests returns what runs backtests on the node's own trades, and what it did
// before.
func (n *Node) openBacktests() *backtests.Runner {
	return backtests.New(backtests.Config{
		Dir: filepath.Join(n.config.DataDir, "backtests"), Waiting: backtestsWaiting, Kept: backtestsKept, Now: n.micros,
	}, n.store.db, n.log)
}

func (n *Node) postBacktest(w http.ResponseWriter, r *http.Request) error {
	var request api.BacktestRequest
	if err := readBody(w, r, &request, maxBody); err != nil {
		return err
	}
	task, err := n.backtestTask(r, request)
	if err != nil {
		return err
	}
	b, err := n.backtests.Add(r.Context(), task)
	if err != nil {
		return backtestProblem(err)
	}
	n.log.Info("backtest asked for", "backtest", b.ID, "symbol", b.Symbol, "from", b.FromUS, "to", b.ToUS)
	return answerWith(w, http.StatusAccepted, b)
}

// backtestTask is what a request asks for, with what the node knows of the symbol.
func (n *Node) backtestTask(r *http.Request, request api.BacktestRequest) (t backtests.Task, err error) {
	switch {
	case !exchange.ValidSymbolName(request.Symbol):
		return t, badRequest("symbol %q is not a symbol's name", request.Symbol)
	case request.FromUS < 0 || request.ToUS < 0:
		return t, badRequest("from_us %d and to_us %d: want times from 0 on", request.FromUS, request.ToUS)
	case request.ToUS != 0 && request.ToUS <= request.FromUS:
		return t, badRequest("to_us %d: want a time after from_us %d", request.ToUS, request.FromUS)
	}
	stored, err := n.store.db.Settings(r.Context(), request.Symbol)
	if err != nil {
		return t, n.unknownSymbol(request.Symbol, err)
	}
	rules, rulesSource, err := n.rulesForBacktest(r, request.Symbol)
	if err != nil {
		return t, err
	}
	c := request.Settings
	settings := changed(tradingSettings(stored), api.Change{
		Chunks: c.Chunks, Budget: c.Budget, BuyDownInterval: c.BuyDownInterval, ProfitTarget: c.ProfitTarget, RebuyInterval: c.RebuyInterval,
	})
	settings.Status = naive.On
	config := backtest.Config{
		Symbol: rules, Settings: settings, Commission: naive.DefaultFee, AllowHoles: request.AllowHoles, Log: slog.New(slog.DiscardHandler),
	}
	if err := config.Validate(); err != nil {
		return t, fmt.Errorf("%w: %w", errInvalid, err)
	}
	return backtests.Task{Config: config, From: request.FromUS, To: request.ToUS, Notes: []string{
		"Settings: " + settingsSource(c) + ".",
		fmt.Sprintf("Rules of %s: %s; tick %s, step %s.", rules.Name, rulesSource, rules.Filters.TickSize, rules.Filters.StepSize),
		fmt.Sprintf("Trades: those that node %s has stored.", n.config.Name),
	}}, nil
}

// rulesForBacktest returns the symbol's rules and where they are from: the exchange, or
// what it said before, which may be of a symbol that it lists no more.
func (n *Node) rulesForBacktest(r *http.Request, symbol string) (rules exchange.Symbol, source string, err error) {
	rules, unknown := n.symbol(symbol)
	if unknown == nil {
		return rules, "the exchange's", nil
	}
	rules, known, err := n.store.db.Rules(r.Context(), symbol)
	if err == nil && !known {
		err = unknown
	}
	return rules, "what the exchange last said of it", err
}

// settingsSource says for the report where settings are from.
func settingsSource(c api.BacktestChange) string {
	var differ []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"budget", c.Budget != nil}, {"chunks", c.Chunks != nil}, {"buy_down_interval", c.BuyDownInterval != nil},
		{"profit_target", c.ProfitTarget != nil}, {"rebuy_interval", c.RebuyInterval != nil},
	} {
		if f.set {
			differ = append(differ, f.name)
		}
	}
	if len(differ) == 0 {
		return "the symbol's"
	}
	slices.Sort(differ)
	return "the symbol's, but " + strings.Join(differ, ", ")
}

func (n *Node) getBacktests(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, n.backtests.List())
}

func (n *Node) getBacktest(w http.ResponseWriter, r *http.Request) error {
	b, err := n.backtests.Get(r.PathValue("id"))
	if err != nil {
		return backtestProblem(err)
	}
	return answer(w, b)
}

// reportPolicy keeps a report apart from the page and the API: it runs as of an origin of
// its own, and loads and sends nothing.
const reportPolicy = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'self'"

func (n *Node) getBacktestReport(w http.ResponseWriter, r *http.Request) error {
	page, err := n.backtests.Report(r.PathValue("id"))
	if err != nil {
		return backtestProblem(err)
	}
	defer page.Close()
	info, err := page.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	http.ServeContent(w, r, "", info.ModTime(), page)
	return nil
}

func (n *Node) deleteBacktest(w http.ResponseWriter, r *http.Request) error {
	if err := n.backtests.Delete(r.PathValue("id")); err != nil {
		return backtestProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// backtestProblem gives an error of the runner the status that fits it.
func backtestProblem(err error) error {
	switch {
	case errors.Is(err, backtests.ErrUnknown), errors.Is(err, backtests.ErrNoTrades):
		return &requestError{status: http.StatusNotFound, reason: err.Error()}
	case errors.Is(err, backtests.ErrNoReport):
		return &requestError{status: http.StatusConflict, reason: err.Error()}
	case errors.Is(err, backtests.ErrBusy):
		return &requestError{status: http.StatusServiceUnavailable, reason: err.Error()}
	default:
		return err
	}
}

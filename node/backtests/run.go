package backtests

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/shopspring/decimal"

	"hedgehog/data/backtest"
	"hedgehog/data/backtest/report"
	"hedgehog/data/export"
	"hedgehog/exchange"
	"hedgehog/node/api"
	"hedgehog/storage"
)

// run tries the job's settings and keeps what comes of it.
func (r *Runner) run(ctx context.Context, j *job) {
	jobCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.mu.Lock()
	j.cancel = cancel
	id, gone := j.now.ID, j.gone
	r.mu.Unlock()
	if gone {
		return
	}
	result, err := r.try(jobCtx, id, j)
	switch {
	case errors.Is(err, errDeleted):
		return
	case err != nil && ctx.Err() != nil:
		err = errors.New("the node stopped before it was done: start it again")
	case err != nil:
		err = advise(err, j.task.Config.Symbol.Name)
	}
	r.finish(j, result, err)
}

// try runs the backtest and writes its report.
func (r *Runner) try(ctx context.Context, id string, j *job) (backtest.Result, error) {
	config := j.task.Config
	var marks report.Marks
	config.Fill = func(f exchange.Fill) error {
		marks.Add(f)
		return nil
	}
	result, err := backtest.Run(ctx, config, r.ticks(ctx, j))
	if err != nil {
		return result, err
	}
	if err := r.makeDir(); err != nil {
		return result, err
	}
	err = export.ToFile(r.reportPath(id), true, func(w io.Writer) error {
		return report.HTML(w, report.Page{Result: result, Symbol: config.Symbol, Marks: marks, Notes: j.task.Notes})
	})
	return result, err
}

// ticks returns the trades of the job, and notes how far they have been taken.
func (r *Runner) ticks(ctx context.Context, j *job) backtest.Ticks {
	return func(yield func([]exchange.Tick, error) bool) {
		enough := errors.New("enough trades")
		span := float64(j.ids.last - j.ids.first + 1)
		which := storage.TradeRange{FromID: j.ids.first, To: j.task.To}
		err := r.store.Ticks(ctx, j.task.Config.Symbol.Name, which, func(ticks []exchange.Tick) error {
			// While a backtest without an end runs, more trades are stored.
			for len(ticks) > 0 && ticks[len(ticks)-1].ID > j.ids.last {
				ticks = ticks[:len(ticks)-1]
			}
			if len(ticks) == 0 || !yield(ticks, nil) {
				return enough
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			j.now.Progress = float64(ticks[len(ticks)-1].ID-j.ids.first+1) / span
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(nil, err)
		}
	}
}

// finish notes and keeps what came of a job.
func (r *Runner) finish(j *job, result backtest.Result, failure error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.gone {
		r.remove(j.now.ID)
		return
	}
	done := j.now
	done.EndedUS = r.config.Now()
	if failure == nil {
		done.State, done.Progress, done.Summary, done.Result = api.BacktestDone, 1, summary(result), &result
		failure = r.save(done)
	}
	if failure != nil {
		done.State, done.Error, done.Summary, done.Result = api.BacktestFailed, failure.Error(), nil, nil
		if err := r.save(done); err != nil {
			r.log.Error("backtest not kept", "backtest", done.ID, "symbol", done.Symbol, "error", err)
		}
	}
	j.now = done
	r.log.Info("backtest ended", "backtest", done.ID, "symbol", done.Symbol, "state", done.State, "error", done.Error)
	r.trimLocked()
}

// advise adds what can be done about a failure.
func advise(err error, symbol string) error {
	if hole := new(backtest.HoleError); errors.As(err, &hole) {
		return fmt.Errorf("%w: allow holes, or fill them with hedgehog data fill %s on the node's database while it is stopped", err, symbol)
	}
	return err
}

func summary(r backtest.Result) *api.BacktestSummary {
	percent := func(share decimal.Decimal) decimal.Decimal { return share.Shift(2) }
	return &api.BacktestSummary{
		Trades: r.Trades, Missing: r.Missing, Orders: r.Orders, Cycles: r.Cycles, Won: r.Won,
		Profit: r.Profit, ProfitPercent: percent(r.ProfitShare), Realized: r.Realized, Fees: r.Fees,
		MaxDrawdown: r.MaxDrawdown, MaxDrawdownPercent: percent(r.MaxDrawdownShare), BuyAndHoldPercent: percent(r.BuyAndHoldShare),
	}
}

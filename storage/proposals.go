package storage

import (
	"context"
	"encoding/json"
	"fmt"
)

// keepProposals is for how many entries of the log a proposal is remembered. One
// is sent again for seconds, in which a busy cluster commits a few hundred.
const keepProposals = 4096

// answer is a Result as it is remembered. A refused proposal has changed nothing
// and is not.
type answer struct {
	Settings *Settings `json:"settings,omitempty"`
	Applied  int       `json:"applied"`
}

// carriedOut returns what came of the proposal when it was carried out before.
func carriedOut(ctx context.Context, b batch, proposal string) (r Result, before bool, err error) {
	if proposal == "" {
		return Result{}, false, nil
	}
	var text string
	err = b.row(ctx, "SELECT result FROM proposals WHERE proposal = ?", proposal).Scan(&text)
	if none(err) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, fmt.Errorf("proposal %s: %w", proposal, err)
	}
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return Result{}, false, fmt.Errorf("proposal %s: result %q: %w", proposal, text, err)
	}
	return Result{Settings: a.Settings, Applied: a.Applied}, true, nil
}

// remember notes what came of a proposal, and forgets old ones.
func remember(ctx context.Context, b batch, index uint64, proposal string, r Result) error {
	if proposal == "" {
		return nil
	}
	text, err := json.Marshal(answer{r.Settings, r.Applied})
	if err != nil {
		return fmt.Errorf("result of proposal %s: %w", proposal, err)
	}
	if _, err := b.exec(ctx, "INSERT INTO proposals (log_index, proposal, result) VALUES (?, ?, ?)", index, proposal, string(text)); err != nil {
		return fmt.Errorf("remember proposal %s: %w", proposal, err)
	}
	if index <= keepProposals {
		return nil
	}
	_, err = b.exec(ctx, "DELETE FROM proposals WHERE log_index <= ?", index-keepProposals)
	return err
}

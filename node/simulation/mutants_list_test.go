package simulation_test

// The mutants, by the part whose rule they break.
var mutants = []mutant{
	// Leases.
	{"lease counted from the answer", []mutation{{"cluster/agent.go",
		`a.guard.Renewed(a.sent, a.config.Timing.Lease, g.Covered)`,
		`sent := a.sent
	if MUTANT {
		sent = a.config.Now()
	}
	a.guard.Renewed(sent, a.config.Timing.Lease, g.Covered)`}}},
	{"leader does not note what it grants", []mutation{{"cluster/lease/book.go",
		`if received.After(p.received) {`,
		`if received.After(p.received) && !MUTANT {`}}},
	{"no wait after an election", []mutation{{"cluster/controller.go",
		`c.book.Elected()`,
		`if !MUTANT {
		c.book.Elected()
	}`}}},
	{"renewal answered without verifying", []mutation{{"cluster/renew.go",
		`if err := c.log.Verify(ctx, term); err != nil {`,
		`if err := c.log.Verify(ctx, term); err != nil && !MUTANT {`}}},
	{"revoked symbol still covered", []mutation{
		{"cluster/renew.go",
			`case r.Leaving || c.revoked[symbol] == a.Epoch:`,
			`case !MUTANT && (r.Leaving || c.revoked[symbol] == a.Epoch):`},
		{"cluster/lease/book.go",
			`if epoch <= p.revoked || p.releasedFrom(node, epoch) {`,
			`if MUTANT && epoch <= p.revoked {
			covered[symbol] = epoch // and not noted
		}
		if epoch <= p.revoked || p.releasedFrom(node, epoch) {`}}},
	{"symbol taken as soon as it is revoked", []mutation{{"cluster/lease/book.go",
		`return epoch <= p.revoked && !now.Before(at), at`,
		`return epoch <= p.revoked && (MUTANT || !now.Before(at)), at`}}},
	{"release told before the trader stopped", []mutation{{"cluster/agent.go",
		`if !a.parts.Acts(symbol, epoch) {`,
		`if MUTANT || !a.parts.Acts(symbol, epoch) {`}}},
	{"new life goes on under the old one's epoch", []mutation{
		{"cluster/agent.go",
			`return at.Node == a.config.Node && at.Run == a.config.Run }`,
			`return at.Node == a.config.Node && (at.Run == a.config.Run || MUTANT) }`},
		{"cluster/renew.go",
			`case a.Node != r.Node || a.Run != r.Run:`,
			`case a.Node != r.Node || a.Run != r.Run && !MUTANT:`},
		{"cluster/plan.go",
			`a.Run == runs[target] && c.revoked[symbol] != a.Epoch`,
			`(a.Run == runs[target] || MUTANT) && c.revoked[symbol] != a.Epoch`}}},
	{"stopped part not waited for", []mutation{{"node/group.go",
		`if err := g.supervisor.RemoveAndWait(p.token, 0); err != nil {`,
		`remove := func() error { return g.supervisor.RemoveAndWait(p.token, 0) }
	if MUTANT {
		remove = func() error { return g.supervisor.Remove(p.token) }
	}
	if err := remove(); err != nil {`}}},

	// The replicated state.
	{"assignment of an old epoch accepted", []mutation{{"storage/changes.go",
		`case a.Epoch-1 == stored.Epoch:`,
		`case a.Epoch-1 == stored.Epoch, MUTANT:`}}},
	{"positions of a former owner accepted", []mutation{
		{"storage/changes.go",
			`is[symbol] = a.Node == node && a.Epoch == epochs[symbol]`,
			`is[symbol] = a.Node == node && a.Epoch == epochs[symbol] || MUTANT`},
		{"storage/changes.go",
			`if !owned || revision == 0 {`,
			`if MUTANT {
		return owned, nil
	}
	if !owned || revision == 0 {`}}},

	// Requests.
	{"receive window not checked", []mutation{{"cluster/lease/guard.go",
		`if left := until.Sub(at); left <= window {`,
		`if left := until.Sub(at); left <= window && !MUTANT {`}}},
	{"late request sent again unguarded", []mutation{{"exchange/binance/rest.go",
		`a, expires, _, err = c.attempt(ctx, r)`,
		`if MUTANT {
		r.guarded = ""
	}
	a, expires, _, err = c.attempt(ctx, r)`}}},
	{"order sent again after a time-out", []mutation{{"exchange/binance/place.go",
		`return c.findPlaced(ctx, o, expires, err)`,
		`if MUTANT {
			return c.place(ctx, o)
		}
		return c.findPlaced(ctx, o, expires, err)`}}},
	{"stopped trader leaves its request behind", []mutation{{"strategy/naive/orders.go",
		`request, done := t.outlive(ctx)`,
		`request, done := t.outlive(ctx)
	if MUTANT {
		request = ctx
	}`}}},

	// Positions.
	{"takeover trusts the journal", []mutation{{"strategy/naive/restore.go",
		`latest := make(map[string]exchange.Order)`,
		`if MUTANT {
		open, recent = nil, nil
	}
	latest := make(map[string]exchange.Order)`}}},
	{"two positions of one millisecond", []mutation{{"strategy/naive/order_name.go",
		`if id <= last {`,
		`if id <= last && !MUTANT {`}}},
	{"commission sold", []mutation{{"strategy/naive/position.go",
		`if f.OrderID == p.Buy.ID && f.CommissionAsset == baseAsset {`,
		`if f.OrderID == p.Buy.ID && f.CommissionAsset == baseAsset && !MUTANT {`}}},
	{"late news of a buy sell again", []mutation{
		{"strategy/naive/formula.go",
			`if speaksOfBuy && p.Sell != nil { // 2`,
			`if speaksOfBuy && p.Sell != nil && !MUTANT { // 2`},
		{"strategy/naive/formula.go",
			`if changed && speaksOfBuy && p.bought() {`,
			`if (changed || MUTANT) && speaksOfBuy && p.bought() {`}}},
	{"latest news believed, whatever they say", []mutation{{"exchange/order.go",
		`if c := o.ExecutedQuantity.Cmp(old.ExecutedQuantity); c != 0 {`,
		`if MUTANT {
		return o.Status != old.Status || !o.ExecutedQuantity.Equal(old.ExecutedQuantity)
	}
	if c := o.ExecutedQuantity.Cmp(old.ExecutedQuantity); c != 0 {`}}},
	{"one position more than chunks", []mutation{{"strategy/naive/formula.go",
		`case !p.RebuyTriggered && s.Status != Shutdown && open < s.Chunks &&`,
		`case !p.RebuyTriggered && s.Status != Shutdown && (open < s.Chunks || MUTANT && open == s.Chunks) &&`}}},
	{"orders not read at a reconnect", []mutation{{"data/streamer/orders.go",
		`for _, symbol := range s.symbols() {`,
		`for _, symbol := range s.symbols() {
		if MUTANT {
			break
		}`}}},

	// Trades.
	{"backfill begins one too late", []mutation{{"data/streamer/streamer.go",
		`from := s.last + 1
`,
		`from := s.last + 1
	if MUTANT {
		from++
	}
`}}},
	{"reconnect forgets where it was", []mutation{{"data/streamer/streamer.go",
		`s.stats.connections.Add(1)`,
		`s.stats.connections.Add(1)
	if MUTANT {
		s.last = 0
	}`}}},
	{"watermark ignored", []mutation{
		{"node/parts.go",
			`return max(id, watermark), known || shared, nil`,
			`if MUTANT {
		return id, known, nil
	}
	return max(id, watermark), known || shared, nil`},
		{"node/watermark.go",
			`stored, _, err := n.store.db.LastTradeID(ctx, symbol)`,
			`if MUTANT {
		return nil
	}
	stored, _, err := n.store.db.LastTradeID(ctx, symbol)`}}},
	{"watermark of what was not stored yet", []mutation{{"node/watermark.go",
		`if id := c.Stats().LastTradeID; id > told[symbol] {`,
		`id := c.Stats().LastTradeID
		if s := n.view(symbol).streamer.Load(); MUTANT && s != nil {
			id = s.Stats().LastID
		}
		if id > told[symbol] {`}}},
	{"watermark of what a power cut takes away", []mutation{{"node/watermark.go",
		`if err := n.store.db.Sync(ctx); err != nil {`,
		`sync := n.store.db.Sync
	if MUTANT {
		sync = func(context.Context) error { return nil }
	}
	if err := sync(ctx); err != nil {`}}},
	{"first trades stored before the cluster knows", []mutation{{"node/watermark.go",
		`patient, cancel := context.WithTimeout(ctx, beginPatience)`,
		`if MUTANT {
		return nil
	}
	patient, cancel := context.WithTimeout(ctx, beginPatience)`}}},
	{"batch dropped when its write fails", []mutation{{"data/collector/collector.go",
		`return struct{}{}, c.store.Write(ctx, c.pending)`,
		`err := c.store.Write(ctx, c.pending)
		if MUTANT {
			err = nil
		}
		return struct{}{}, err`}}},

	// What users are told.
	{"change acknowledged before it is committed", []mutation{{"node/settings.go",
		`result, err := n.propose(ctx, storage.Command{Settings:`,
		`propose := n.propose
	if MUTANT {
		propose = func(ctx context.Context, c storage.Command) (storage.Result, error) {
			go func() {
				ctx, cancel := context.WithTimeout(n.parts, changeTimeout)
				defer cancel()
				_, _ = n.propose(ctx, c)
			}()
			return storage.Result{Settings: &stored}, nil
		}
	}
	result, err := propose(ctx, storage.Command{Settings:`}}},
	{"unknown outcome acknowledged", []mutation{
		{"node/calls.go",
			`if err == nil || !mayTryAgain(err) {`,
			`if MUTANT && (errors.Is(err, consensus.ErrUnknownOutcome) || errors.Is(err, errLeaderUnreachable)) {
			return storage.Result{}, nil
		}
		if err == nil || !mayTryAgain(err) {`},
		{"node/settings.go",
			`if result.Settings == nil {`,
			`if MUTANT && result.Settings == nil {
		result.Settings = &stored
	}
	if result.Settings == nil {`}}},
	{"end of a shutdown turns off what was turned on", []mutation{{"storage/settings.go",
		`if want := TradingStatus(c.ExpectTradingStatus); want != "" && s.Trading.Status != want {`,
		`if want := TradingStatus(c.ExpectTradingStatus); want != "" && s.Trading.Status != want && !MUTANT {`}}},
}

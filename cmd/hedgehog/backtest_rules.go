package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
	"hedgehog/exchange/sim"
	"hedgehog/storage"
	"hedgehog/strategy/naive"
)

func rulesFlag() cli.Flag {
	return &cli.StringFlag{Name: "exchange-info", Usage: "take tick, step and filters from `FILE`, an answer of the exchange's exchangeInfo",
		DefaultText: "the database's, else built-in ones"}
}

// rulesOf returns the rules of the symbol and where they are from: the flag's file,
// the database, or this program, which is told on the standard error stream.
func (p *program) rulesOf(c *cli.Context, h *past) (rules exchange.Symbol, source string, err error) {
	if path := c.String("exchange-info"); path != "" {
		info, err := readInfo(path)
		if err != nil {
			return rules, "", fmt.Errorf("--exchange-info: %w", err)
		}
		if rules, err = info.Symbol(h.symbol); err != nil {
			return rules, "", fmt.Errorf("--exchange-info %s: %w", path, err)
		}
		return rules, filepath.Base(path), nil
	}
	if h.db != nil {
		rules, known, err := h.db.Rules(c.Context, h.symbol)
		if err != nil || known {
			return rules, "the database", err
		}
	}
	if len(h.files) > 0 {
		rules, err = sim.SymbolOfDump(h.files[0])
	} else if rules, err = sim.SymbolFor(h.symbol); err == nil {
		err = suits(c.Context, h, rules)
	}
	if err != nil {
		return rules, "", fmt.Errorf("the rules of %s are not known: give them with --exchange-info FILE: %w", h.symbol, err)
	}
	fmt.Fprintf(p.stderr, "note: built-in rules of %s, tick %s and step %s; --exchange-info FILE gives the exchange's own\n",
		h.symbol, rules.Filters.TickSize, rules.Filters.StepSize)
	return rules, "built in", nil
}

// suits returns an error where the first stored trades could not have happened under
// the rules.
func suits(ctx context.Context, h *past, rules exchange.Symbol) error {
	return h.stored(ctx, 1000, func(ticks []exchange.Tick) error {
		for _, t := range ticks {
			if price := t.Price.Decimal(); !price.Mod(rules.Filters.TickSize).IsZero() {
				return fmt.Errorf("trade %d has the price %s, no multiple of the built-in tick %s", t.ID, price, rules.Filters.TickSize)
			}
			if quantity := t.Quantity.Decimal(); !quantity.Mod(rules.Filters.StepSize).IsZero() {
				return fmt.Errorf("trade %d has the quantity %s, no multiple of the built-in step %s", t.ID, quantity, rules.Filters.StepSize)
			}
		}
		return nil
	})
}

// settingKeys are what --set can set.
var settingKeys = []string{"budget", "chunks", "buy_down_interval", "profit_target", "rebuy_interval"}

func setFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "try `KEY=VALUE`, with one of the keys " + strings.Join(settingKeys, ", ") + "; may be repeated",
		DefaultText: "the database's settings, else the defaults"}
}

// settingsOfPast returns the settings to try and where they are from: those of the
// database or the defaults, changed as --set says.
func settingsOfPast(c *cli.Context, h *past) (s naive.Settings, source string, err error) {
	s, source = naive.DefaultSettings(h.symbol), "the defaults"
	if h.db != nil {
		stored, err := h.db.Settings(c.Context, h.symbol)
		switch {
		case err == nil:
			t := stored.Trading
			s.Chunks, s.Budget, s.BuyDownInterval, s.ProfitTarget, s.RebuyInterval = t.Chunks, t.Budget, t.BuyDownInterval, t.ProfitTarget, t.RebuyInterval
			source = "the database"
		case !errors.Is(err, storage.ErrUnknownSymbol):
			return s, "", err
		}
	}
	var changed []string
	for _, pair := range c.StringSlice("set") {
		key, value, _ := strings.Cut(pair, "=")
		if err := setSetting(c, &s, key, value); err != nil {
			return s, "", err
		}
		changed = append(changed, key)
	}
	if err := s.Validate(); err != nil {
		return s, "", wrongUsage(c, "--set: %s", oneLine(err))
	}
	if changed = slices.Compact(slices.Sorted(slices.Values(changed))); len(changed) > 0 {
		source += ", but " + strings.Join(changed, ", ")
	}
	return s, source, nil
}

// setSetting changes the setting of that key.
func setSetting(c *cli.Context, s *naive.Settings, key, text string) error {
	target, known := map[string]*decimal.Decimal{
		"budget": &s.Budget, "chunks": nil, "buy_down_interval": &s.BuyDownInterval,
		"profit_target": &s.ProfitTarget, "rebuy_interval": &s.RebuyInterval,
	}[key]
	if !known {
		return wrongUsage(c, "--set %s: want KEY=VALUE with one of the keys %s", strings.TrimSuffix(key+"="+text, "="), strings.Join(settingKeys, ", "))
	}
	value, err := decimalOf(c, "set "+key, text)
	switch {
	case err != nil:
		return err
	case target != nil:
		*target = value
	case !value.IsInteger() || value.Abs().GreaterThan(decimal.New(naive.MaxChunks, 0)):
		return wrongUsage(c, "--set chunks=%s: want a whole number, 1 to %d", text, naive.MaxChunks)
	default:
		s.Chunks = int(value.IntPart())
	}
	return nil
}

package optimize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/strategy/naive"
)

// MaxValues bounds the values of a parameter.
const MaxValues = 10_000

// Parameter is a setting that is varied, and the values that it takes, in order.
type Parameter struct {
	Name   string // as in naive.Settings' JSON, such as profit_target
	Values []decimal.Decimal
}

// Parameters returns the names of the settings that may be varied.
func Parameters() []string {
	return []string{"budget", "chunks", "buy_down_interval", "profit_target", "rebuy_interval"}
}

// ParseParameter reads NAME=LOW:HIGH:STEPS, evenly spaced values with LOW and HIGH
// among them, rounded to eight decimal places, or NAME=VALUE,VALUE…. It does not
// check whether the setting may have these values: Config.Validate does.
func ParseParameter(text string) (Parameter, error) {
	name, values, found := strings.Cut(text, "=")
	if !found {
		return Parameter{}, fmt.Errorf("%q: want NAME=LOW:HIGH:STEPS or NAME=VALUE,VALUE", text)
	}
	if !slices.Contains(Parameters(), name) {
		return Parameter{}, fmt.Errorf("%q: unknown parameter %q: want one of %s", text, name, strings.Join(Parameters(), ", "))
	}
	p := Parameter{Name: name}
	var err error
	if strings.Contains(values, ":") {
		p.Values, err = spaced(values)
	} else {
		p.Values, err = enumerated(values)
	}
	if err != nil {
		return Parameter{}, fmt.Errorf("%q: %w", text, err)
	}
	there := make(map[string]bool)
	for _, v := range p.Values {
		if name == "chunks" && !v.IsInteger() {
			return Parameter{}, fmt.Errorf("%q: chunks %s: want whole numbers", text, v)
		}
		if there[v.String()] {
			return Parameter{}, fmt.Errorf("%q: the value %s is there twice", text, v)
		}
		there[v.String()] = true
	}
	return p, nil
}

// spaced reads LOW:HIGH:STEPS.
func spaced(text string) ([]decimal.Decimal, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return nil, errors.New("want LOW:HIGH:STEPS")
	}
	low, err := number(fields[0])
	if err != nil {
		return nil, err
	}
	high, err := number(fields[1])
	if err != nil {
		return nil, err
	}
	if !low.LessThan(high) {
		return nil, fmt.Errorf("%s:%s: want a high end above the low one", low, high)
	}
	steps, err := strconv.Atoi(fields[2])
	if err != nil || steps < 2 || steps > MaxValues {
		return nil, fmt.Errorf("%q steps: want 2 to %d", fields[2], MaxValues)
	}
	values := make([]decimal.Decimal, steps)
	for i := range values {
		way := high.Sub(low).Mul(decimal.NewFromInt(int64(i)))
		values[i] = low.Add(way.DivRound(decimal.NewFromInt(int64(steps-1)), exchange.UnitPlaces))
	}
	return values, nil
}

// enumerated reads VALUE,VALUE….
func enumerated(text string) ([]decimal.Decimal, error) {
	fields := strings.Split(text, ",")
	if len(fields) > MaxValues {
		return nil, fmt.Errorf("%d values: want at most %d", len(fields), MaxValues)
	}
	var values []decimal.Decimal
	for _, field := range fields {
		v, err := number(strings.TrimSpace(field))
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// number reads a plain decimal. It is short, and without an exponent: with one it
// could ask for more digits than there is memory.
func number(text string) (decimal.Decimal, error) {
	v, err := decimal.NewFromString(text)
	if err != nil || len(text) > 40 || strings.ContainsAny(text, "eE") {
		return decimal.Decimal{}, fmt.Errorf("%q: want a decimal number such as 0.001", text)
	}
	return v, nil
}

// Set gives the setting of that name the value; false when there is none or chunks
// would not be a whole number that fits.
func Set(s *naive.Settings, name string, value decimal.Decimal) bool {
	switch name {
	case "budget":
		s.Budget = value
	case "chunks":
		chunks, err := strconv.Atoi(value.Truncate(0).String())
		if err != nil || !value.IsInteger() {
			return false
		}
		s.Chunks = chunks
	case "buy_down_interval":
		s.BuyDownInterval = value
	case "profit_target":
		s.ProfitTarget = value
	case "rebuy_interval":
		s.RebuyInterval = value
	default:
		return false
	}
	return true
}

// Value returns the setting of that name; zero when there is none.
func Value(s *naive.Settings, name string) decimal.Decimal {
	switch name {
	case "budget":
		return s.Budget
	case "chunks":
		return decimal.NewFromInt(int64(s.Chunks))
	case "buy_down_interval":
		return s.BuyDownInterval
	case "profit_target":
		return s.ProfitTarget
	case "rebuy_interval":
		return s.RebuyInterval
	default:
		return decimal.Decimal{}
	}
}

// space is all choices of values, which are numbered: the last parameter's value
// changes with every number, the first one's most rarely.
type space []Parameter

// maxSize bounds the choices of a space.
const maxSize = 1 << 40

// size returns how many choices there are; false when they are too many to count.
func (s space) size() (int, bool) {
	size := 1
	for _, p := range s {
		if size *= len(p.Values); size > maxSize {
			return 0, false
		}
	}
	return size, true
}

// place returns which of its values each parameter has in the choice.
func (s space) place(choice int) []int {
	place := make([]int, len(s))
	for i, p := range slices.Backward(s) {
		place[i] = choice % len(p.Values)
		choice /= len(p.Values)
	}
	return place
}

// choice is the reverse of place.
func (s space) choice(place []int) int {
	choice := 0
	for i, p := range s {
		choice = choice*len(p.Values) + place[i]
	}
	return choice
}

// settings returns the base settings with the values of the choice.
func (s space) settings(base naive.Settings, choice int) naive.Settings {
	for i, at := range s.place(choice) {
		Set(&base, s[i].Name, s[i].Values[at]) // validate has found the name and the values good
	}
	return base
}

// validate returns an error that names every value that a setting may not have.
func (s space) validate(base naive.Settings) error {
	if len(s) == 0 {
		return errors.New("no parameter to vary")
	}
	var errs []error
	for i, p := range s {
		if slices.ContainsFunc(s[:i], func(q Parameter) bool { return q.Name == p.Name }) {
			errs = append(errs, fmt.Errorf("parameter %s is there twice", p.Name))
		}
		if len(p.Values) == 0 {
			errs = append(errs, fmt.Errorf("parameter %s has no values", p.Name))
		}
		for _, v := range p.Values {
			settings := base
			if !Set(&settings, p.Name, v) {
				errs = append(errs, fmt.Errorf("parameter %s: no setting with the value %s", p.Name, v))
			} else if err := settings.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("parameter %s: %w", p.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// compareSettings orders settings by their values, for trials that come from
// different grids.
func compareSettings(a, b *naive.Settings) int {
	for _, name := range Parameters() {
		if order := Value(a, name).Cmp(Value(b, name)); order != 0 {
			return order
		}
	}
	return 0
}

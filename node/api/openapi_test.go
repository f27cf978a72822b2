package api_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/shopspring/decimal"

	"hedgehog/data/optimize"
	"hedgehog/exchange"
	"hedgehog/node/access"
	"hedgehog/node/api"
)

// shapes are the types that the API's JSON is made of, by their names in the
// description.
var shapes = map[string]any{
	"Status": api.Status{}, "ExchangeStatus": api.ExchangeStatus{}, "SymbolStatus": api.SymbolStatus{}, "PartStatus": api.PartStatus{},
	"Settings": api.Settings{}, "Collecting": api.Collecting{}, "Trading": api.Trading{}, "Change": api.Change{},
	"Position": api.Position{}, "Order": exchange.Order{}, "Fill": exchange.Fill{}, "TradeEvent": exchange.TradeEvent{}, "Candle": exchange.Candle{},
	"Message": api.Message{}, "Replay": api.Replay{}, "ReplayProgress": api.ReplayProgress{}, "Problem": api.Problem{},
	"ClusterStatus": api.ClusterStatus{}, "ClusterNode": api.ClusterNode{}, "ClusterSymbol": api.ClusterSymbol{},
	"AssignRequest": api.AssignRequest{}, "PinRequest": api.PinRequest{}, "NodeRequest": api.NodeRequest{},
	"Plan": api.Plan{}, "Move": api.Move{}, "ClusterEvent": api.ClusterEvent{},
	"Session": api.Session{}, "Login": api.Login{}, "Token": api.Token{}, "NewToken": api.NewToken{}, "MadeToken": api.MadeToken{},
	"Profit": api.Profit{}, "Readiness": api.Readiness{}, "LiveFrame": api.LiveFrame{}, "LiveRequest": api.LiveRequest{},
	"BacktestRequest": api.BacktestRequest{}, "BacktestChange": api.BacktestChange{}, "BacktestSettings": api.BacktestSettings{},
	"Backtest": api.Backtest{}, "BacktestSummary": api.BacktestSummary{}, "BacktestResult": api.BacktestResult{},
	"TrialJobs": api.TrialJobs{}, "Answer": optimize.Answer{}, "Figures": optimize.Figures{},
}

// inWords are the schemas that no test compares with a type: what JSON has no word for,
// and what is described in words alone.
var inWords = []string{"Micros", "Decimal", "Side", "OrderStatus", "Source", "Task", "Result"}

func mustDescription(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return document
}

func TestTheDescriptionHasTheFieldsOfEveryShape(t *testing.T) {
	schemas := mustDescription(t).Components.Schemas
	for name := range schemas {
		if _, known := shapes[name]; !known && !slices.Contains(inWords, name) {
			t.Errorf("schema %s is of no type", name)
		}
	}
	for name, shape := range shapes {
		schema := schemas[name]
		if schema == nil {
			t.Errorf("there is no schema %s", name)
			continue
		}
		fields := fieldsOf(reflect.TypeOf(shape))
		for field, property := range schema.Value.Properties {
			f, known := fields[field]
			switch {
			case !known:
				t.Errorf("%s has no field %s", name, field)
			case f.required != slices.Contains(schema.Value.Required, field):
				t.Errorf("%s.%s: always there: %t", name, field, f.required)
			case !fits(f.of, property):
				t.Errorf("%s.%s is a %s", name, field, f.of)
			}
		}
		for field := range fields {
			if schema.Value.Properties[field] == nil {
				t.Errorf("the schema of %s lacks %s", name, field)
			}
		}
	}
}

type field struct {
	of       reflect.Type
	required bool
}

// fieldsOf returns the fields of a type's JSON by name.
func fieldsOf(of reflect.Type) map[string]field {
	fields := make(map[string]field)
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous:
			for inner, is := range fieldsOf(f.Type) {
				fields[inner] = is
			}
		default:
			fields[name] = field{f.Type, !strings.Contains(options, "omit")}
		}
	}
	return fields
}

// fits says whether a schema is one for values of the type.
func fits(of reflect.Type, schema *openapi3.SchemaRef) bool {
	s := schema.Value
	if len(s.AllOf) == 1 { // a named one with words of its own
		schema = s.AllOf[0]
		s = schema.Value
	}
	if of.Kind() == reflect.Pointer {
		return fits(of.Elem(), schema)
	}
	name := schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]
	switch of {
	case reflect.TypeFor[decimal.Decimal]():
		return name == "Decimal"
	case reflect.TypeFor[exchange.Micros]():
		return name == "Micros"
	case reflect.TypeFor[exchange.Status]():
		return name == "OrderStatus"
	case reflect.TypeFor[exchange.Source](), reflect.TypeFor[exchange.Side]():
		return name == of.Name()
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any]():
		return s.Type == nil
	case reflect.TypeFor[access.Secret]():
		return s.Type.Is("string")
	}
	switch of.Kind() {
	case reflect.String:
		return s.Type.Is("string")
	case reflect.Bool:
		return s.Type.Is("boolean")
	case reflect.Float64:
		return s.Type.Is("number")
	case reflect.Slice:
		return s.Type.Is("array") && fits(of.Elem(), s.Items)
	case reflect.Struct:
		return name == of.Name()
	default:
		return s.Type.Is("integer")
	}
}

package server

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"hedgehog/exchange"
)

func FuzzParseForm(f *testing.F) {
	f.Add("symbol=XRPETH&signature=ab&timestamp=1", "quantity=1")
	f.Add("a=%41&&b", "a=2&signature")
	f.Add("a=1&a=2", "")
	f.Add("%zz=1", "=&=")
	f.Fuzz(func(t *testing.T, query, body string) {
		p, payload, err := parseForm(query, body)
		if err != nil {
			if _, failure := wireError(err); failure {
				t.Fatalf("not an answer of the exchange's: %v", err)
			}
			return
		}
		if len(payload) > len(query)+len(body) {
			t.Errorf("payload %q is longer than what was sent", payload)
		}
		if !strings.Contains(query+body, "signature") && !strings.Contains(query+body, "%") && payload != query+body {
			t.Errorf("payload %q of %q and %q", payload, query, body)
		}
		// The library's reading of each part has to agree.
		fromQuery, queryErr := url.ParseQuery(query)
		fromBody, bodyErr := url.ParseQuery(body)
		if queryErr != nil || bodyErr != nil {
			return // it refuses semicolons, which are no separators here
		}
		for name, value := range p {
			want := fromBody
			if fromQuery.Has(name) {
				want = fromQuery
			}
			if want.Get(name) != value {
				t.Errorf("parameter %q is %q, want %q", name, value, want.Get(name))
			}
		}
	})
}

func FuzzParseAPIRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"order.place","params":{"symbol":"XRPETH","price":0.10,"x":null,"y":["a"],"signature":"ab"}}`))
	f.Add([]byte(`{"id":"a","method":"v3/ping"}`))
	f.Add([]byte(`{"id":null,"params":{"a":{"b":1}}}`))
	f.Add([]byte(`{"id":1,"params":[]}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := parseAPIRequest(message)
		if !json.Valid(r.ID) {
			t.Fatalf("id %q can't be answered", r.ID)
		}
		if err != nil {
			return
		}
		p, payload, err := parseObject(r.Params)
		if err != nil {
			if _, failure := wireError(err); failure {
				t.Fatalf("not an answer of the exchange's: %v", err)
			}
			return
		}
		if strings.Contains(payload, p["signature"]) && p["signature"] != "" && len(p) == 1 {
			t.Errorf("payload %q has the signature", payload)
		}
	})
}

func FuzzParseStreamRequest(f *testing.F) {
	f.Add([]byte(`{"method":"SUBSCRIBE","params":["xrpeth@trade"],"id":1}`))
	f.Add([]byte(`{"method":"SET_PROPERTY","params":["combined",true],"id":"a"}`))
	f.Add([]byte(`{"method":"GET_PROPERTY","params":["combined"],"id":null}`))
	f.Add([]byte(`{"method":"LIST_SUBSCRIPTIONS","id":-1}`))
	f.Add([]byte(`{"id":[}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, failure := parseStreamRequest(message)
		if !json.Valid(r.id) {
			t.Fatalf("id %q can't be answered", r.id)
		}
		if failure != nil {
			return
		}
		if (r.method == "SUBSCRIBE" || r.method == "UNSUBSCRIBE") != (len(r.streams) > 0) {
			t.Errorf("%s with streams %q", r.method, r.streams)
		}
		for _, name := range r.streams {
			if symbol := symbolOf(name); symbol != "" && strings.ToLower(symbol)+"@trade" != name {
				t.Errorf("stream %q is taken for symbol %q", name, symbol)
			}
		}
	})
}

func TestAmountsAreWrittenWithEightPlacesAndNoneIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-20, 12).Draw(t, "exponent"))
		got := string(appendFixed(nil, d))
		back, err := decimal.NewFromString(got)
		if err != nil || !back.Equal(d) {
			t.Fatalf("%s is written as %s: %v", d, got, err)
		}
		_, fraction, _ := strings.Cut(got, ".")
		if len(fraction) < places {
			t.Fatalf("%s is written as %s", d, got)
		}
		if d.Truncate(places).Equal(d) && got != d.StringFixed(places) {
			t.Fatalf("%s is written as %s, want %s", d, got, d.StringFixed(places))
		}
	})
}

func TestTheQueueIsBoundedAndKeepsItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 5
		o := newOutbox(limit)
		var next, taken byte
		var waiting int
		var spare []item
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				if o.push(item{opcode: next}) {
					next++
					waiting++
				} else if waiting != limit {
					t.Fatalf("refused with %d of %d waiting", waiting, limit)
				}
				if waiting > limit {
					t.Fatalf("%d waiting", waiting)
				}
			},
			"take": func(t *rapid.T) {
				items, _ := o.take(spare)
				for _, i := range items {
					if i.opcode != taken {
						t.Fatalf("took %d, want %d", i.opcode, taken)
					}
					taken++
				}
				spare, waiting = items, 0
				if taken != next {
					t.Fatalf("took up to %d of %d", taken, next)
				}
			},
		})
	})
}

func BenchmarkAppendTradeFrame(b *testing.B) {
	t := &exchange.TradeEvent{
		Symbol: "XRPETH", ID: 13519807, Price: decimal.RequireFromString("0.00141342"), Quantity: decimal.RequireFromString("163"),
		TradeTime: 1570752000123000, EventTime: 1570752000124000, BuyerIsMaker: true,
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendTradeFrame(buf[:0], t, true, millis)
	}
}

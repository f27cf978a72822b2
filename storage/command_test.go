package storage_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"hedgehog/storage"
)

// commands has one command of each kind with everything set.
func commands() map[string]storage.Command {
	p := position("A", "p1")
	p.Parent, p.Slot, p.RebuyTriggered, p.BuyClientID, p.SellClientID, p.EndTime, p.Profit = "p0", 2, true, "b", "s", 9, amount("-0.5")
	return map[string]storage.Command{
		"seed": {Seed: []string{"A", "B"}},
		"settings": {Settings: &storage.SettingsChange{Symbol: "A", Streaming: new(true), Aggregating: new(false), CollectTrades: new(true),
			CollectOrders: new(true), CollectOHLC: new(true), TradingStatus: new("on"), Chunks: new(3), Budget: new(amount("10")),
			BuyDownInterval: new(amount("0")), ProfitTarget: new(amount("0.01")), RebuyInterval: new(amount("0.5")), ExpectTradingStatus: "off"}},
		"assigned":   {Assigned: &storage.AssignedChange{Symbols: []string{"A"}, Assigned: true, Weight: 2}},
		"pin":        {Pin: &storage.PinChange{Symbol: "A", Node: "n1"}},
		"member":     {Member: &storage.MemberChange{Name: "n1", Address: "[::1]:7947", Zone: "z <&>", Weight: 2, Draining: new(true), Time: 5}},
		"assign":     {Assign: []storage.Assignment{{Symbol: "A", Node: "n1", Run: 2, Epoch: 3, Since: 4, Next: "n2"}, {Symbol: "B", Epoch: 1}}},
		"positions":  {Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 3}, Positions: []storage.Position{p}}},
		"watermarks": {Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: map[string]int64{"A": 3}, Watermarks: map[string]int64{"A": 4}}},
		"token":      {Token: &storage.TokenChange{Name: "bot", Role: "trade", Hash: hashOf("bot"), Created: 5, Expires: 6}},
	}
}

func TestACommandIsDecodedAsItWasEncoded(t *testing.T) {
	for name, c := range commands() {
		t.Run(name, func(t *testing.T) {
			got, err := storage.DecodeCommand(entry(t, 1, c).Data)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("got %+v, %v; want %+v", got, err, c)
			}
		})
	}
}

func TestACommandOutOfRangeIsRefusedWithFieldAndValue(t *testing.T) {
	long := strings.Repeat("x", 256)
	positions := func(spoil func(*storage.Position)) storage.Command {
		p := position("A", "p1")
		spoil(&p)
		return storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 1}, Positions: []storage.Position{p}}}
	}
	tests := []struct {
		command storage.Command
		want    string
	}{
		{storage.Command{}, "command with 0"},
		{storage.Command{Seed: []string{"A"}, Pin: &storage.PinChange{Symbol: "A"}}, "command with 2"},
		{storage.Command{Seed: []string{"A", "../etc"}}, `symbol "../etc"`},
		{settings(storage.SettingsChange{}), `symbol ""`},
		{storage.Command{Assigned: &storage.AssignedChange{}}, "symbols []"},
		{storage.Command{Assigned: &storage.AssignedChange{Symbols: []string{"a"}}}, `symbol "a"`},
		{storage.Command{Assigned: &storage.AssignedChange{Symbols: []string{"A"}, Weight: -1}}, "weight -1"},
		{storage.Command{Pin: &storage.PinChange{Symbol: "?", Node: "n1"}}, `symbol "?"`},
		{storage.Command{Pin: &storage.PinChange{Symbol: "A", Node: "n 1"}}, `node "n 1"`},
		{storage.Command{Member: &storage.MemberChange{}}, `name ""`},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Weight: 1_000_001}}, "weight 1000001"},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Address: "nowhere"}}, `address "nowhere"`},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Address: long + ":1"}}, "address"},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Address: "a:1", Zone: long}}, "zone"},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Zone: "z"}}, `zone "z"`},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Time: -1}}, "time -1"},
		{storage.Command{Member: &storage.MemberChange{Name: "n1", Remove: true, Weight: 1}}, "remove true"},
		{assign("n1", 1, 0, ""), "epoch 0"},
		{assign("n1", -1, 1, ""), "run -1"},
		{assign("n/1", 1, 1, ""), `node "n/1"`},
		{assign("n1", 1, 1, "-"), `next "-"`},
		{storage.Command{Assign: []storage.Assignment{{Epoch: 1}}}, `symbol ""`},
		{storage.Command{Assign: []storage.Assignment{{Symbol: "A", Epoch: 1, Since: -1}}}, "since -1"},
		{positions(func(p *storage.Position) { p.Symbol = "B" }), "epoch of B"},
		{positions(func(p *storage.Position) { p.ID = "" }), `id ""`},
		{positions(func(p *storage.Position) { p.ID = long }), "id"},
		{positions(func(p *storage.Position) { p.Parent = "\xff" }), "parent"},
		{positions(func(p *storage.Position) { p.BuyClientID = long }), "buy_client_id"},
		{positions(func(p *storage.Position) { p.SellClientID = long }), "sell_client_id"},
		{positions(func(p *storage.Position) { p.Slot = -1 }), "slot -1"},
		{positions(func(p *storage.Position) { p.State = "lost" }), "state lost"},
		{positions(func(p *storage.Position) { p.StartTime = -1 }), "start_time -1"},
		{positions(func(p *storage.Position) { p.EndTime = -1 }), "end_time -1"},
		{positions(func(p *storage.Position) { p.Profit = amount("1e-61") }), "profit of its size"},
		{storage.Command{Positions: &storage.PositionsChange{}}, `node ""`},
		{storage.Command{Positions: &storage.PositionsChange{Node: "n1", Epochs: map[string]int64{"A": 0}}}, "epoch of A 0"},
		{storage.Command{Watermarks: &storage.WatermarksChange{}}, `node ""`},
		{storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: map[string]int64{"?": 1}}}, `symbol "?"`},
		{storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Watermarks: map[string]int64{"A": 1}}}, "epoch of A"},
		{storage.Command{Watermarks: &storage.WatermarksChange{Node: "n1", Epochs: map[string]int64{"A": 1},
			Watermarks: map[string]int64{"A": -1}}}, "watermark of A -1"},
		{spoiledToken(func(c *storage.TokenChange) { c.Name = "" }), `token name ""`},
		{spoiledToken(func(c *storage.TokenChange) { c.Name = "a b" }), `token name "a b"`},
		{spoiledToken(func(c *storage.TokenChange) { c.Role = "none" }), `role "none"`},
		{spoiledToken(func(c *storage.TokenChange) { c.Hash = c.Hash[1:] }), "hash"},
		{spoiledToken(func(c *storage.TokenChange) { c.Hash = strings.ToUpper(c.Hash) }), "hash"},
		{spoiledToken(func(c *storage.TokenChange) { c.Created = -1 }), "created -1"},
		{spoiledToken(func(c *storage.TokenChange) { c.Expires = -1 }), "expires -1"},
		{spoiledToken(func(c *storage.TokenChange) { c.Revoke = true }), "revoke true"},
	}
	for _, tt := range tests {
		if _, err := tt.command.Encode(); !errors.Is(err, storage.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want ErrRefused with %q", tt.command, err, tt.want)
		}
	}
}

func TestACommandThatIsTooLongIsRefused(t *testing.T) {
	symbols := make([]string, 300_000)
	for i := range symbols {
		symbols[i] = "ABCDEFGHIJKLMN"
	}
	if _, err := (storage.Command{Seed: symbols}).Encode(); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("encode: %v, want ErrRefused", err)
	}
	if _, err := storage.DecodeCommand(make([]byte, 5<<20)); !errors.Is(err, storage.ErrRefused) {
		t.Errorf("decode: %v, want ErrRefused", err)
	}
}

func TestWhatIsNoCommandIsNotDecoded(t *testing.T) {
	tests := map[string]struct {
		data string
		want error
	}{
		"nothing":                     {"", storage.ErrRefused},
		"no JSON":                     {"hello", storage.ErrRefused},
		"no version":                  {`{"seed":["A"]}`, storage.ErrRefused},
		"version 0":                   {`{"v":0,"seed":["A"]}`, storage.ErrRefused},
		"no change":                   {`{"v":1}`, storage.ErrRefused},
		"an empty change":             {`{"v":1,"seed":[]}`, storage.ErrRefused},
		"two changes":                 {`{"v":1,"seed":["A"],"pin":{"symbol":"A"}}`, storage.ErrRefused},
		"an unknown change":           {`{"v":1,"seed":["A"],"leap":{}}`, storage.ErrRefused},
		"an unknown field":            {`{"v":1,"pin":{"symbol":"A","colour":"red"}}`, storage.ErrRefused},
		"a value out of range":        {`{"v":1,"assigned":{"symbols":["A"],"assigned":true,"weight":-1}}`, storage.ErrRefused},
		"a value of another type":     {`{"v":1,"seed":[1]}`, storage.ErrRefused},
		"an epoch beyond its type":    {`{"v":1,"assign":[{"symbol":"A","node":"n1","epoch":9223372036854775808}]}`, storage.ErrRefused},
		"an amount of great exponent": {`{"v":1,"settings":{"symbol":"A","budget":"1e9999"}}`, storage.ErrRefused},
		"more behind it":              {`{"v":1,"seed":["A"]} {}`, storage.ErrRefused},
		"a newer version":             {`{"v":4,"seed":["A"]}`, storage.ErrNewerPeer},
		"a newer version's field":     {`{"v":4,"leap":{}}`, storage.ErrNewerPeer},
		"a newer version's type":      {`{"v":4,"seed":"A"}`, storage.ErrNewerPeer},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := storage.DecodeCommand([]byte(tt.data)); !errors.Is(err, tt.want) {
				t.Errorf("%+v, %v; want %v", c, err, tt.want)
			}
		})
	}
}

func FuzzDecodeCommand(f *testing.F) {
	for _, c := range commands() {
		f.Add(entry(f, 1, c).Data)
	}
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := storage.DecodeCommand(data)
		if err != nil {
			if !errors.Is(err, storage.ErrRefused) && !errors.Is(err, storage.ErrNewerPeer) {
				t.Errorf("an error of neither kind: %v", err)
			}
			return
		}
		encoded, err := c.Encode()
		if err != nil {
			t.Fatalf("decoded but not to be encoded: %v", err)
		}
		again, err := storage.DecodeCommand(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.Encode(); err != nil || string(twice) != string(encoded) {
			t.Errorf("encoded as %s and then as %s, %v", encoded, twice, err)
		}
	})
}

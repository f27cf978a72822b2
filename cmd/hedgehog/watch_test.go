package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// watched is one event of each kind, by topic, as a node sends it.
var watched = map[string]string{
	"TRADE_EVENTS:XRPETH": `{"symbol":"XRPETH","trade_id":7,"price":"0.0014","quantity":"12","trade_time":1570795200000000,"source":"live"}`,
	"ORDERS:XRPETH":       `{"symbol":"XRPETH","order_id":3,"side":"BUY","status":"PARTIALLY_FILLED","price":"0.0014","original_quantity":"12","executed_quantity":"5","update_time":1570795200000000}`,
	"OHLC:XRPETH":         `{"symbol":"XRPETH","minutes":5,"start_time":1570795200000000,"open":"1","high":"4","low":"0.5","close":"2","volume":"9","trades":3}`,
	"POSITIONS:XRPETH":    `{"symbol":"XRPETH","position_id":"10","state":"open","buy":{"status":"NEW","price":"0.0014","original_quantity":"12"}}`,
	"SETTINGS:XRPETH":     `{"symbol":"XRPETH","status":"on","chunks":5,"budget":"10","buy_down_interval":"0.1","profit_target":"0.2","rebuy_interval":"0.3"}`,
}

func TestWatchDescribesEveryKindOfEvent(t *testing.T) {
	for topic, want := range map[string]string{
		"TRADE_EVENTS:XRPETH": "2019-10-11 12:00:00.000  trade 7  0.0014 × 12\n",
		"ORDERS:XRPETH":       "2019-10-11 12:00:00.000  order 3  buy 12 at 0.0014  partially filled, 5 filled\n",
		"OHLC:XRPETH":         "2019-10-11 12:00:00.000  5 min  open 1  high 4  low 0.5  close 2  volume 9  trades 3\n",
		"POSITIONS:XRPETH":    "position 10  open  buy 12 at 0.0014, new  sell -\n",
		"SETTINGS:XRPETH":     "trading on  budget 10  chunks 5  profit target 0.2  buy down 0.1  rebuy 0.3\n",
	} {
		t.Run(topic, func(t *testing.T) {
			node := newFakeNode(t)
			node.lines = []string{`{"topic":"` + topic + `","event":` + watched[topic] + `}`}
			if got := mustHedgehog(t, "watch", strings.ToLower(topic), "--count", "1", "--node", node.url); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWatchMarksTradesThatAreNotLive(t *testing.T) {
	node := newFakeNode(t)
	trade := strings.Replace(watched["TRADE_EVENTS:XRPETH"], `"live"`, `"replay"`, 1)
	node.lines = []string{`{"topic":"TRADE_EVENTS:XRPETH","event":` + trade + `}`}
	want := "2019-10-11 12:00:00.000  trade 7  0.0014 × 12  (replay)\n"
	if got := mustHedgehog(t, "watch", "TRADE_EVENTS:XRPETH", "--count", "1", "--node", node.url); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWatchCountsEventsAndTellsOfMissedOnes(t *testing.T) {
	node := newFakeNode(t)
	event := `{"topic":"ORDERS:XRPETH","event":` + watched["ORDERS:XRPETH"] + `}`
	node.lines = []string{event, "", `{"dropped":4}`, event, event}
	t.Setenv("HEDGEHOG_NODE", node.url)

	lines := strings.Split(mustHedgehog(t, "watch", "ORDERS:XRPETH", "--count", "2"), "\n")
	if len(lines) != 4 || lines[1] != "(4 events were missed here)" {
		t.Errorf("printed lines %q", lines)
	}
	raw := mustHedgehog(t, "watch", "ORDERS:XRPETH", "--count", "2", "--json")
	if want := event + "\n{\"dropped\":4}\n" + event + "\n"; raw != want {
		t.Errorf("JSON lines %q, want %q", raw, want)
	}
}

func TestWatchFailsWhenTheNodeEndsIt(t *testing.T) {
	node := newFakeNode(t)
	r := hedgehog(t.Context(), "watch", "ORDERS:XRPETH", "--node", node.url)
	checkFailure(t, r, exitFailure, "watch ORDERS:XRPETH: the node has ended it, as it does when it stops")
}

func TestWatchNamesALineThatItCannotRead(t *testing.T) {
	node := newFakeNode(t)
	node.lines = []string{`{"event":{"trade_id":"seven"}}`}
	r := hedgehog(t.Context(), "watch", "TRADE_EVENTS:XRPETH", "--node", node.url)
	if r.code != exitFailure || !strings.Contains(r.stderr, `watch TRADE_EVENTS:XRPETH: event {"trade_id":"seven"}: `) {
		t.Errorf("exit code %d, errors %q", r.code, r.stderr)
	}
}

func TestAWatchThatIsInterruptedHasNotFailed(t *testing.T) {
	node := newFakeNode(t)
	node.endless = true
	node.lines = []string{`{"event":` + watched["ORDERS:XRPETH"] + `}`}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var errors strings.Builder
	p := program{stdout: onWrite(interrupt), stderr: &errors, zone: time.UTC}
	if code := p.run(ctx, []string{"watch", "ORDERS:XRPETH", "--node", node.url}); code != exitOK || errors.Len() > 0 {
		t.Errorf("exit code %d, errors %q", code, errors.String())
	}
}

// onWrite is a writer that calls itself for everything written.
type onWrite func()

func (f onWrite) Write(text []byte) (int, error) {
	f()
	return len(text), nil
}

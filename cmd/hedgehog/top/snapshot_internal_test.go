package top

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"hedgehog/cmd/hedgehog/top/toptest"
	"hedgehog/node/api"
)

func once(t *testing.T, address string) (Snapshot, error) {
	t.Helper()
	client, err := api.NewClient(address)
	if err != nil {
		t.Fatal(err)
	}
	return Once(t.Context(), client)
}

func TestOneLookHasEverything(t *testing.T) {
	node := toptest.New(t)
	node.TellAll()
	seen, err := once(t, node.URL)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Address != node.URL || seen.TimeUS != toptest.Noon || seen.Cluster.Leader != "n1" || len(seen.Events) != 2 || seen.Missing == nil {
		t.Errorf("seen %+v", seen)
	}
	if len(seen.Symbols) != 3 {
		t.Fatalf("symbols %+v, want three", seen.Symbols)
	}
	xrp := seen.Symbols[2]
	if xrp.Symbol != "XRPUSDT" || xrp.Node != "n2" || xrp.Next != "n3" || xrp.Pin != "n2" || !xrp.Assigned || xrp.Price.String() != "0.5" || xrp.OpenPositions != 2 ||
		xrp.Profit.String() != "12.345678" || xrp.ProfitDay.String() != "1.25" || xrp.QuoteAsset != "USDT" || xrp.State != "shutdown" {
		t.Errorf("symbol %+v", xrp)
	}
	text, err := json.Marshal(seen.Symbols[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"symbol":"BNBUSDT","node":"n1","assigned":true,"price":null,"trades_per_second":null,"open_positions":0,"profit":null,"profit_day":null,"state":"off"}`; string(text) != want {
		t.Errorf("as JSON\n got %s\nwant %s", text, want)
	}
}

func TestWhatPeopleReadOfOneLook(t *testing.T) {
	node := toptest.New(t)
	node.TellAll()
	seen, err := once(t, node.URL)
	if err != nil {
		t.Fatal(err)
	}
	rate := 21.0 // which takes a second
	seen.Symbols[1].TradesPerSecond = &rate
	seen.Missing = []string{"n3"}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	seen.Write(w, time.UTC)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "once", text.String())
}

func TestOneLookFailsWhereNobodyAnswersOrSomebodyInterrupts(t *testing.T) {
	node := toptest.New(t)
	node.Close()
	if _, err := once(t, node.URL); !errors.Is(err, api.ErrUnreachable) {
		t.Errorf("where nobody answers: %v", err)
	}
	quiet := toptest.New(t)
	client, err := api.NewClient(quiet.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-quiet.Watching() // it is connected
		interrupt()
	}()
	if _, err := Once(ctx, client); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

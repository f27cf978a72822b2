// Package toptest has a node that tells on GET /live what a test has put in it, for
// tests of those who follow one.
package toptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/shopspring/decimal"

	"hedgehog/exchange"
	"hedgehog/node/api"
)

// Noon is a time for everything that has one: 2019-10-11 12:00:00 UTC.
const Noon = exchange.Micros(1570795200_000_000)

// Node answers as a node does. Its methods may be called by any goroutine.
type Node struct {
	URL string

	mu       sync.Mutex
	told     []api.LiveFrame  // to whoever comes; guarded by mu
	clients  map[*client]bool // likewise
	requests []string         // method, path and body of the changes; likewise
	problem  *api.StatusError // the answer to every request, where there is one; likewise
	watching chan []string    // the topics that are watched, each time that they change
	serving  sync.WaitGroup   // websockets
	server   *httptest.Server
}

// client is one that follows.
type client struct {
	mu     sync.Mutex // over writing
	socket *websocket.Conn
}

// New returns a node that tells nothing yet. It ends with the test.
func New(tb testing.TB) *Node {
	n := &Node{clients: make(map[*client]bool), watching: make(chan []string, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/live", n.live)
	mux.HandleFunc("GET /api/v1/profit", func(w http.ResponseWriter, _ *http.Request) { n.answer(w, Profits()) })
	mux.HandleFunc("GET /api/v1/symbols/{symbol}", n.symbol)
	mux.HandleFunc("PATCH /api/v1/symbols/{symbol}", n.change)
	mux.HandleFunc("POST /api/v1/cluster/{what}", n.change)
	n.server = httptest.NewServer(mux)
	n.URL = n.server.URL
	tb.Cleanup(n.Close)
	return n
}

// Close ends the node and all that follow it.
func (n *Node) Close() {
	n.mu.Lock()
	for c := range n.clients {
		_ = c.socket.Close()
	}
	n.mu.Unlock()
	n.serving.Wait()
	n.server.Close()
}

// Tell tells all who follow, and those who come later.
func (n *Node) Tell(kind string, data any) {
	frame := api.LiveFrame{Kind: kind, Data: encode(data)}
	if kind == api.LiveBeat {
		frame = api.LiveFrame{Kind: kind, TimeUS: Noon}
	}
	n.mu.Lock()
	n.told = append(n.told, frame)
	n.mu.Unlock()
	n.Say(frame)
}

// Say tells all who follow now.
func (n *Node) Say(frame api.LiveFrame) {
	n.mu.Lock()
	clients := make([]*client, 0, len(n.clients))
	for c := range n.clients {
		clients = append(clients, c)
	}
	n.mu.Unlock()
	for _, c := range clients {
		c.send(frame)
	}
}

// Trade lets a trade of the symbol pass to those who follow now.
func (n *Node) Trade(symbol, price string) {
	n.Say(api.LiveFrame{Kind: api.LiveMessage, Topic: "TRADE_EVENTS:" + symbol,
		Data: encode(exchange.TradeEvent{Symbol: symbol, Price: decimal.RequireFromString(price), Source: exchange.Live})})
}

// Refuse answers every request from now on with that; nil: as usual again.
func (n *Node) Refuse(problem *api.StatusError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.problem = problem
}

// Watching has the topics that a client watches, each time that it changes them.
func (n *Node) Watching() <-chan []string { return n.watching }

// Requests returns the changes that were asked for: method, path and body.
func (n *Node) Requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.requests)
}

func (n *Node) live(w http.ResponseWriter, r *http.Request) {
	if n.refuses(w) {
		return
	}
	socket, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	c := &client{socket: socket}
	n.mu.Lock()
	n.clients[c] = true
	n.serving.Add(1)
	told := slices.Clone(n.told)
	n.mu.Unlock()
	defer n.serving.Done()
	defer socket.Close()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.clients, c)
	}()
	for _, frame := range told {
		c.send(frame)
	}
	for {
		var request api.LiveRequest
		if socket.ReadJSON(&request) != nil {
			return
		}
		select {
		case n.watching <- request.Watch:
		default: // no test looks
		}
	}
}

// send writes a frame; whoever has left sees nothing of it.
func (c *client) send(frame api.LiveFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.socket.WriteJSON(frame)
}

func (n *Node) refuses(w http.ResponseWriter) bool {
	n.mu.Lock()
	problem := n.problem
	n.mu.Unlock()
	if problem == nil {
		return false
	}
	w.WriteHeader(problem.Status)
	_, _ = w.Write(encode(api.Problem{Error: problem.Message}))
	return true
}

func (n *Node) answer(w http.ResponseWriter, body any) {
	if !n.refuses(w) {
		_, _ = w.Write(encode(body))
	}
}

// symbol answers with the settings of a symbol: those of Status, or as of one for which
// nothing is on.
func (n *Node) symbol(w http.ResponseWriter, r *http.Request) {
	for _, s := range Status(0).Symbols {
		if s.Symbol == r.PathValue("symbol") {
			n.answer(w, s.Settings)
			return
		}
	}
	n.answer(w, api.Settings{Symbol: r.PathValue("symbol"), Trading: api.Trading{Status: "off", Chunks: 5, Budget: decimal.NewFromInt(1000)}})
}

// change takes a change. A plan of two moves is the answer to those of the cluster.
func (n *Node) change(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.requests = append(n.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1/")+" "+string(bytes.TrimSpace(body)))
	n.mu.Unlock()
	if r.Method == http.MethodPatch {
		n.answer(w, api.Settings{Symbol: r.PathValue("symbol")})
		return
	}
	n.answer(w, api.Plan{Symbols: []string{"XRPUSDT"}, Moves: []api.Move{{Symbol: "BNBUSDT", From: "n1", To: "n2"}, {Symbol: "XRPUSDT", To: "n3"}}})
}

// encode returns v as JSON, which all that a test gives can be.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Cluster is one of three nodes, of which n1 leads; they answer nowhere.
func Cluster() api.ClusterStatus {
	node := func(name, role string, symbols int) api.ClusterNode {
		return api.ClusterNode{Name: name, State: "alive", Role: role, Version: "1.2.3", Weight: 1, Zone: "west",
			SinceUS: Noon, UptimeSeconds: 3725, ActiveSymbols: symbols}
	}
	return api.ClusterStatus{Node: "n1", Leader: "n1", Term: 4, Quorum: true,
		Nodes: []api.ClusterNode{node("n1", "leader", 2), node("n2", "voter", 1), node("n3", "voter", 0)}}
}

// Symbols are three that are assigned, one of them on its way.
func Symbols() []api.ClusterSymbol {
	return []api.ClusterSymbol{
		{Symbol: "BNBUSDT", Node: "n1", Epoch: 3, SinceUS: Noon, Weight: 1, Active: true},
		{Symbol: "BTCUSDT", Node: "n1", Epoch: 2, SinceUS: Noon, Weight: 1, Active: true},
		{Symbol: "XRPUSDT", Node: "n2", Epoch: 12, SinceUS: Noon, Weight: 5, Pin: "n2", Next: "n3", Active: true},
	}
}

// Status is the nodes' status: BTCUSDT is traded, XRPUSDT shuts down, and of both so
// many trades were published. BNBUSDT is off.
func Status(trades int64) api.Status {
	on := func(symbol, status string) api.SymbolStatus {
		s := api.SymbolStatus{Node: "n1", TradesPublished: trades, OpenPositions: 2}
		s.Settings = api.Settings{Symbol: symbol, Streaming: true, Trading: api.Trading{Status: status, Chunks: 5,
			Budget: decimal.NewFromInt(1000), ProfitTarget: decimal.RequireFromString("0.002")}}
		return s
	}
	return api.Status{Node: "n1", Exchange: api.ExchangeStatus{Name: "sim", Ready: true}, ActiveSymbols: 2,
		Symbols: []api.SymbolStatus{on("BTCUSDT", "on"), on("XRPUSDT", "shutdown")}}
}

// Events are two events of the cluster.
func Events() []api.ClusterEvent {
	return []api.ClusterEvent{
		{TimeUS: Noon, Kind: "leader", Node: "n1", Text: "leads term 4"},
		{TimeUS: Noon + 1_250_000, Kind: "owner", Node: "n2", Symbol: "XRPUSDT", Text: "owned since epoch 12, before by n1"},
	}
}

// Profits is what trading XRPUSDT has brought.
func Profits() []api.Profit {
	price := decimal.RequireFromString("0.5")
	return []api.Profit{{Symbol: "XRPUSDT", BaseAsset: "XRP", QuoteAsset: "USDT", Cycles: 7, Profit: decimal.RequireFromString("12.345678"),
		ProfitDay: decimal.RequireFromString("1.25"), OpenPositions: 2, LastPrice: &price}}
}

// TellAll tells all that there is to tell of this cluster, with two looks at the status.
func (n *Node) TellAll() {
	n.Tell(api.LiveBeat, nil)
	n.Tell(api.LiveCluster, Cluster())
	n.Tell(api.LiveSymbols, Symbols())
	n.Tell(api.LiveEvents, Events())
	n.Tell(api.LiveStatus, Status(1000))
	n.Tell(api.LiveStatus, Status(1100))
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hedgehog/exchange/wire"
	"hedgehog/node/api"
)

// fewTrades is a dump of four trades.
const fewTrades = "1,0.00141342,3,0.00424026,1570752000000,False,True\n" +
	"2,0.00141350,4,0.00565400,1570752001000,True,True\n" +
	"3,0.00141300,5,0.00706500,1570752002000,True,True\n" +
	"4,0.00141310,6,0.00847860,1570752003000,False,True\n"

func write(t testing.TB, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// get returns the answer to a request without a signature.
func get(t testing.TB, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %s, %v: %s", url, response.Status, err, body)
	}
	return body
}

func TestAnExchangeReplaysADump(t *testing.T) {
	dump := write(t, "XRPETH-trades-2019-10-11.csv", fewTrades)
	x := start(t, "exchange", "--listen", "127.0.0.1:0", "--replay", dump, "--speed", "max", "--start", "now")
	url := x.await("simulated exchange listening")["url"].(string)
	x.await("replay ended")

	var trades []struct {
		ID    int64  `json:"id"`
		Price string `json:"price"`
		Time  int64  `json:"time"`
	}
	mustDecode(t, string(get(t, url+"/api/v3/trades?symbol=XRPETH")), &trades)
	if len(trades) != 4 || trades[0].ID != 1 || trades[3].ID != 4 || trades[3].Time != 1570752003000 {
		t.Errorf("trades %+v, want the four of the dump with their own times", trades)
	}
	if code := x.ended(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

func TestAnExchangeHasTheMarketOfItsFlags(t *testing.T) {
	x := start(t, "exchange", "--listen", "127.0.0.1:0", "--symbols", "xrpusdt,BNBBTC", "--symbols", "ETHBTC", "--rate", "50",
		"--weight-limit", "77", "--order-limit", "8")
	line := x.await("simulated exchange listening")
	if got := fmt.Sprint(line["walking"]); got != "[XRPUSDT BNBBTC ETHBTC]" {
		t.Errorf("walking %s", got)
	}
	info, err := wire.ParseExchangeInfo(get(t, line["url"].(string)+"/api/v3/exchangeInfo"))
	if err != nil {
		t.Fatal(err)
	}
	if names := info.Names(); len(names) != 3 {
		t.Errorf("symbols %q, want the three of the flags", names)
	}
	limits := make(map[string]int)
	for _, l := range info.RateLimits {
		limits[fmt.Sprintf("%s %d %s", l.Type, l.IntervalNum, l.Interval)] = l.Limit
	}
	if limits["REQUEST_WEIGHT 1 MINUTE"] != 77 || limits["ORDERS 10 SECOND"] != 8 || limits["ORDERS 1 DAY"] != 200_000 || len(limits) != 4 {
		t.Errorf("limits %v", limits)
	}
}

func TestAnExchangeListsTheSymbolsOfAnInfoFile(t *testing.T) {
	info := "../../../shared/data/exchangeInfo-2021-06-17.json"
	if _, err := os.Stat(info); err != nil {
		t.Skipf("the recorded exchange info is not beside the repository: %v", err)
	}
	x := start(t, "exchange", "--listen", "127.0.0.1:0", "--exchange-info", info, "--symbols", "XRPETH")
	if n := x.await("simulated exchange listening")["symbols"]; n != 1505.0 {
		t.Errorf("%v symbols, want 1505", n)
	}
}

func TestAnExchangeThatCannotWorkSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := write(t, "XRPETH-trades-2019-10-11.csv", fewTrades)
	bad := write(t, "XRPETH-trades-2019-10-12.csv", fewTrades+"5,nothing,6,0.0084,1570752004000,False,True\n")
	cut := write(t, "XRPETH-trades-2019-10-13.csv", fewTrades+"5,0.0014")
	file := write(t, "file", "")
	for _, test := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"port in use", []string{"--listen", taken.Addr().String()}, exitFailure, []string{"address already in use", "--listen"}},
		{"no such dump", []string{"--replay", "XRPETH-none.csv"}, exitFailure, []string{"XRPETH-none.csv", "no such file"}},
		{"dump without a symbol", []string{"--replay", file}, exitFailure, []string{"does not start with a symbol"}},
		{"bad line", []string{"--replay", bad, "--speed", "max", "--start", "now"}, exitFailure, []string{"line 5", `"nothing"`, "--skip-bad"}},
		{"truncated line", []string{"--replay", cut, "--speed", "max", "--start", "now"}, exitFailure, []string{"line 5", "--skip-bad"}},
		{"data directory is a file", []string{"--data-dir", file}, exitFailure, []string{file}},
		{"journal in no directory", []string{"--journal", filepath.Join(file, "journal")}, exitFailure, []string{"journal"}},
		{"info is no info", []string{"--exchange-info", good}, exitFailure, []string{"--exchange-info: " + good}},
		{"key is no key", []string{"--ed25519-key", "robot=" + good}, exitFailure, []string{"--ed25519-key robot", "PUBLIC KEY"}},
		{"prices from two places", []string{"--replay", good, "--symbols", "XRPETH"}, exitUsage, []string{"XRPETH is in --symbols and in --replay"}},
		{"symbol that walks twice", []string{"--symbols", "XRPETH,XRPETH"}, exitUsage, []string{"XRPETH is there twice"}},
		{"strange start", []string{"--replay", good, "--start", "later"}, exitUsage, []string{`"later": want subscriber or now`}},
		{"commission of all", []string{"--commission", "1"}, exitUsage, []string{"Commission 1: want a share"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := start(t, append([]string{"exchange", "--listen", "127.0.0.1:0"}, test.args...)...)
			if code := x.exitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			checkLastLine(t, x, test.want...)
		})
	}
}

// checkLastLine expects one line that tells of a failure, with the words, and
// returns it.
func checkLastLine(t testing.TB, p *process, words ...string) string {
	t.Helper()
	var told []string
	for line := range p.lines {
		if text := line["msg"].(string); strings.HasPrefix(text, "hedgehog: ") {
			told = append(told, text)
		}
	}
	if len(told) != 1 {
		t.Fatalf("told %q, want one line", told)
	}
	for _, word := range words {
		if !strings.Contains(told[0], word) {
			t.Errorf("told %q, want it to have %q", told[0], word)
		}
	}
	return told[0]
}

func TestBadLinesOfADumpArePassedOverWhereTheFlagsSaySo(t *testing.T) {
	dump := write(t, "XRPETH-trades-2019-10-11.csv", "rubbish\n"+fewTrades)
	x := start(t, "exchange", "--listen", "127.0.0.1:0", "--replay", dump, "--speed", "max", "--start", "now", "--skip-bad")
	if trades := x.await("replay ended")["trades"]; trades != 4.0 {
		t.Errorf("%v trades, want 4", trades)
	}
}

func TestANodeTradesOnItsOwnExchange(t *testing.T) {
	dir := t.TempDir()
	n := start(t, "node", "--name", "alpha", "--data-dir", dir, "--http", "127.0.0.1:0", "--sim-symbols", "xrpusdt,BNBBTC")
	t.Setenv("HEDGEHOG_NODE", n.await("node started")["http"].(string))

	var status api.Status
	mustDecode(t, mustHedgehog(t, "status", "--wait", "20s", "--json"), &status)
	if status.Node != "alpha" || status.DataDir != dir || status.Exchange.Symbols != 2 || len(status.Symbols) != 0 {
		t.Errorf("status %+v", status)
	}
	mustHedgehog(t, "collect", "start", "XRPUSDT")
	mustHedgehog(t, "trade", "start", "XRPUSDT")
	mustHedgehog(t, "stream", "start", "XRPUSDT")
	for _, kind := range []string{"TRADE_EVENTS", "ORDERS"} {
		watched := mustHedgehog(t, "watch", kind+":XRPUSDT", "--count", "1", "--json")
		var message api.Message
		mustDecode(t, watched, &message)
		if message.Topic != kind+":XRPUSDT" || message.Event == nil {
			t.Errorf("watched %q", watched)
		}
	}
	mustDecode(t, mustHedgehog(t, "status", "--json"), &status)
	if len(status.Symbols) != 1 || len(status.Symbols[0].Parts) != 4 {
		t.Errorf("status of what runs %+v", status.Symbols)
	}
	if code := n.ended(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
}

func TestANodeThatCannotWorkSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := write(t, "file", "")
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		code int
		want []string
	}{
		{"port in use", nil, []string{"--http", taken.Addr().String()}, exitFailure, []string{"address already in use", "--http"}},
		{"data directory in a file", nil, []string{"--data-dir", filepath.Join(file, "dir")}, exitFailure, []string{file, "--data-dir"}},
		{"address without a port", nil, []string{"--http", "127.0.0.1"}, exitUsage, []string{`"127.0.0.1"`, "127.0.0.1:8080"}},
		{"strange exchange", nil, []string{"--exchange", "nasdaq"}, exitUsage, []string{`exchange "nasdaq"`, "binance-testnet"}},
		{"strange exchange of the environment", map[string]string{"HEDGEHOG_EXCHANGE": "nasdaq"}, nil, exitUsage, []string{`exchange "nasdaq"`}},
		{"seed of the environment", map[string]string{"HEDGEHOG_SIM_SEED": "x"}, nil, exitUsage, []string{"HEDGEHOG_SIM_SEED"}},
		{"clock of the environment", map[string]string{"HEDGEHOG_TEST_CLOCK": "fast"}, nil, exitFailure, []string{"HEDGEHOG_TEST_CLOCK", `"fast"`}},
		{"key without secret", map[string]string{"HEDGEHOG_API_KEY": "k3y"}, nil, exitUsage, []string{"want both or none"}},
		{"key file that is not there", map[string]string{"HEDGEHOG_API_KEY_FILE": filepath.Join(file, "key")}, nil, exitFailure, []string{"HEDGEHOG_API_KEY_FILE"}},
		{"secret twice", map[string]string{"HEDGEHOG_API_SECRET": "hush", "HEDGEHOG_API_SECRET_FILE": file}, nil, exitFailure, []string{"HEDGEHOG_API_SECRET_FILE are set: unset one"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			n := start(t, append([]string{"node", "--data-dir", t.TempDir(), "--http", "127.0.0.1:0"}, test.args...)...)
			if code := n.exitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			told := checkLastLine(t, n, test.want...)
			if strings.Contains(told, "hush") || strings.Contains(told, "k3y") {
				t.Errorf("told %q, which shows a secret", told)
			}
		})
	}
}

func TestSecretsComeFromTheEnvironmentOrAFile(t *testing.T) {
	t.Setenv("HEDGEHOG_TEST_SECRET", "hush")
	if got, err := secretFromEnvironment("HEDGEHOG_TEST_SECRET"); err != nil || string(got) != "hush" {
		t.Errorf("of the environment: %q, %v", string(got), err)
	}
	t.Setenv("HEDGEHOG_TEST_SECRET", "")
	t.Setenv("HEDGEHOG_TEST_SECRET_FILE", write(t, "secret", "hush\n"))
	if got, err := secretFromEnvironment("HEDGEHOG_TEST_SECRET"); err != nil || string(got) != "hush" {
		t.Errorf("of a file: %q, %v", string(got), err)
	}
}

func TestASignalEndsAProcessInOrder(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			command := exec.CommandContext(t.Context(), self, "exchange", "--listen", "127.0.0.1:0")
			command.Env = append(os.Environ(), "HEDGEHOG_TEST_AS_PROGRAM=1")
			stderr, err := command.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			var line struct{ Msg string }
			decoder := json.NewDecoder(stderr)
			if err := decoder.Decode(&line); err != nil || line.Msg != "simulated exchange listening" {
				t.Errorf("first line %+v, %v", line, err)
			}
			if err := command.Process.Signal(signal); err != nil {
				t.Error(err)
			}
			rest, err := io.ReadAll(stderr)
			if err != nil || bytes.Contains(rest, []byte("hedgehog: ")) {
				t.Errorf("told %q, %v", rest, err)
			}
			if err := command.Wait(); err != nil {
				t.Errorf("ended with %v, want exit code 0", err)
			}
		})
	}
}

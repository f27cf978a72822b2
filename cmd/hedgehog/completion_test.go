package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hedgehog/node/api"
)

func TestHowACommandLineCanGoOn(t *testing.T) {
	cluster := newFakeCluster(t)
	node := newFakeNode(t)
	node.answers["/api/v1/cluster"] = cluster.status
	t.Setenv("HEDGEHOG_NODE", node.url)
	for _, test := range []struct{ typed, want string }{
		{"tra", "trade trades"},
		{"trade s", "start stop shutdown settings"},
		{"trade start ", "BNBBTC XRPETH"},
		{"trade start x", "XRPETH"},
		{"trade start BNBBTC --js", "--json"},
		{"trade start -- X", "XRPETH"},
		{"trade settings XRPETH --b", "--budget --buy-down-interval"},
		{"trade settings --budget ", ""},
		{"cluster drain ", "n1 n2 n3"},
		{"cluster drain --wait n2", "n2"},
		{"cluster assign X --node n", "n1 n2 n3"},
		{"status --node http://127.0.0.1:808", "http://127.0.0.1:8081 http://127.0.0.1:8082 http://127.0.0.1:8083"},
		{"status --node=http://127.0.0.1:8082", "--node=http://127.0.0.1:8082"},
		{"status --token-file ", ":files"},
		{"node --data-dir ", ":dirs"},
		{"node --profile l", "local lan"},
		{"node --profile=w", "--profile=wan"},
		{"node --log-format ", "auto text json"},
		{"data export trades --format ", "csv parquet"},
		{"data import ", ":files"},
		{"exchange --symbols BNBBTC,x", "BNBBTC,XRPETH"},
		{"collect start --topic o", "orders ohlc"},
		{"watch o", "ORDERS: OHLC:"},
		{"watch orders:x", "ORDERS:XRPETH"},
		{"token create x --role ", "read trade admin"},
		{"nonsense ", ""},
		{"nonsense --node ", ""},
		{"status --nonsense ", ""},
		{"version now ", ""},
		{"__c", ""},
	} {
		if got := candidates(t, test.typed); got != test.want {
			t.Errorf("%q goes on with %q, want %q", test.typed, got, test.want)
		}
	}
	if got := mustHedgehog(t, "__complete"); got != "" {
		t.Errorf("no word at all goes on with %q", got)
	}
	if got := mustHedgehog(t, "__complete", "--", "status", "--w"); got != "--wait\twait up to TIME until the node is ready\n" {
		t.Errorf("a flag goes on with %q", got)
	}
}

// candidates returns what the last word can be, without descriptions.
func candidates(t *testing.T, typed string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(mustHedgehog(t, append([]string{"__complete", "--"}, strings.Split(typed, " ")...)...)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		found = append(found, word)
	}
	return strings.Join(found, " ")
}

func TestCompletionIsSilentWhereNoNodeAnswers(t *testing.T) {
	t.Setenv("HEDGEHOG_NODE", freeAddress(t))
	for _, typed := range []string{"trade start ", "cluster drain n", "status --node http", "watch ORDERS:X"} {
		if got := candidates(t, typed); got != "" {
			t.Errorf("%q goes on with %q", typed, got)
		}
	}
	t.Setenv("HEDGEHOG_NODE", "ftp://nowhere")
	if got := candidates(t, "trade start "); got != "" {
		t.Errorf("with a wrong address it goes on with %q", got)
	}
}

func TestCompletionAsksTheNodeThatTheCommandLineNames(t *testing.T) {
	node := newFakeNode(t)
	if got := candidates(t, "trade start --node "+node.url+" XRP"); got != "XRPETH" {
		t.Errorf("it goes on with %q", got)
	}
}

func TestCompletionForNoShell(t *testing.T) {
	checkFailure(t, hedgehog(t.Context(), "completion"), exitUsage, "which shell? want one of bash, zsh, fish; see hedgehog completion --help")
	checkFailure(t, hedgehog(t.Context(), "completion", "csh"), exitUsage, `shell "csh": want one of bash, zsh, fish; see hedgehog completion --help`)
}

// going is a line that somebody types in a shell, with the words that it prints then, in
// alphabetical order.
type going struct{ typed, want string }

// checkShell has a shell complete lines, after it has loaded the completion and what
// defines try, which prints how its argument can go on. There are a program hedgehog and
// a file dump.csv.
func checkShell(t *testing.T, shell []string, load string, lines []going) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the command for every word that is completed")
	}
	path, err := exec.LookPath(shell[0])
	if err != nil {
		t.Skipf("%s is not installed", shell[0])
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	node := newFakeNode(t)
	node.answers["/api/v1/cluster"] = api.ClusterStatus{Nodes: []api.ClusterNode{{Name: "n1", HTTP: "127.0.0.1:8081"}}}
	for _, line := range lines {
		load += "\ntry '" + line.typed + "'; echo '=='"
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"hedgehog": "#!/bin/sh\nHEDGEHOG_TEST_AS_PROGRAM=1 exec '" + program + "' \"$@\"\n",
		"script":   mustHedgehog(t, "completion", shell[0]),
		"dump.csv": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), path, append(shell[1:], "-c", load)...)
	command.Dir = dir
	command.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "HEDGEHOG_NODE="+node.url)
	out, err := command.CombinedOutput()
	printed := strings.Split(string(out), "==\n")
	if err != nil || len(printed) != len(lines)+1 {
		t.Fatalf("%v: %s", err, out)
	}
	for i, line := range lines {
		words := strings.Fields(printed[i])
		slices.Sort(words)
		if got := strings.Join(words, " "); got != line.want {
			t.Errorf("%q goes on with %q, want %q", line.typed, got, line.want)
		}
	}
}

func TestCompletionInBash(t *testing.T) {
	checkShell(t, []string{"bash", "--norc"}, `
source ./script
complete -p hedgehog >/dev/null || exit 1
compopt() { echo "$2"; }
try() { COMP_LINE=$1; COMP_POINT=${#1}; COMPREPLY=(); _hedgehog hedgehog; printf '%s\n' "${COMPREPLY[@]}"; }
`, []going{
		{"hedgehog trade sh", "shutdown"},
		{"hedgehog trade start ", "BNBBTC XRPETH"},
		{"hedgehog trade start --js", "--json"},
		{"hedgehog watch ORDERS:X", "XRPETH"}, // behind the colon
		{"hedgehog watch ORD", "ORDERS: nospace"},
		{"hedgehog node --profile=la", "lan"},
		{"hedgehog data import ", "default"},
		{"hedgehog node --data-dir ", "dirnames"},
		{"hedgehog status --node http://127.0.0.1:80", "8081"},
	})
}

func TestCompletionInZsh(t *testing.T) {
	checkShell(t, []string{"zsh", "-f"}, `
compdef() { [ "$*" = "_hedgehog hedgehog" ] || exit 1; }
_files() { echo files "$@"; }
_describe() { printf '%s\n' "${(@P)2}"; }
source ./script
try() { words=("${(@s: :)1}"); CURRENT=$#words; _hedgehog; }
`, []going{
		{"hedgehog trade start X", "XRPETH"},
		{"hedgehog trade start --json ", "BNBBTC XRPETH"},
		{"hedgehog cluster drain n", "n1:http://127.0.0.1:8081"},
		{"hedgehog watch OR", `ORDERS\:`},
		{"hedgehog data import ", "files"},
		{"hedgehog node --data-dir ", "-/ files"},
	})
}

func TestCompletionInFish(t *testing.T) {
	checkShell(t, []string{"fish", "--no-config"}, `
source script
function try; complete -C "$argv[1]"; end
`, []going{
		{"hedgehog trade start X", "XRPETH"},
		{"hedgehog trade start XRPETH --js", "--json JSON print"},
		{"hedgehog data import d", "dump.csv"},
		{"hedgehog watch ORDERS:X", "ORDERS:XRPETH"},
	})
}

package main

import (
	"strings"
	"testing"
)

func TestWrongUsageIsOneLineAndExitCode2(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"ordres", `unknown command "ordres": did you mean orders?; see hedgehog --help`},
		{"help ordres", `unknown command "ordres": did you mean orders?; see hedgehog --help`},
		{"stream", "hedgehog stream what? want one of start, stop, list; see hedgehog stream --help"},
		{"stream strat XRPETH", `unknown command "strat": did you mean start?; see hedgehog stream --help`},
		{"orders XRPETH --jso", "unknown flag --jso: did you mean --json?; see hedgehog orders --help"},
		{"orders --node", "no value for flag --node; see hedgehog orders --help"},
		{"orders XRPETH --node", "no value for flag --node; see hedgehog orders --help"},
		{"--node x orders", "unknown flag --node: flags stand behind the command that they are for; see hedgehog --help"},
		{"orders A B", "want one symbol, not 2; see hedgehog orders --help"},
		{"orders xrp/eth", `"xrp/eth" is not a symbol's name, which looks like XRPUSDT; see hedgehog orders --help`},
		{"orders --limit 0", "--limit 0: want 1 to 10000; see hedgehog orders --help"},
		{"orders --limit many", `invalid value "many" for flag --limit: parse error; see hedgehog orders --help`},
		{"orders --node ftp://x", `node "ftp://x": want an address such as http://127.0.0.1:8080; see hedgehog orders --help`},
		{"candles", "which symbol?; see hedgehog candles --help"},
		{"candles XRPETH --minutes 2", "--minutes 2: want 1, 5, 15, 60, 240 or 1440; see hedgehog candles --help"},
		{"trade start", "which symbol?; see hedgehog trade start --help"},
		{"trade settings XRPETH --budget ten", `--budget "ten": want a decimal number such as 0.001; see hedgehog trade settings --help`},
		{"trade settings XRPETH --budget 1e999999999", `--budget "1e999999999": want a decimal number such as 0.001; see hedgehog trade settings --help`},
		{"collect start XRPETH --topic order", `--topic "order": want one of trade_events, orders, ohlc; see hedgehog collect start --help`},
		{"watch", "want one topic, such as TRADE_EVENTS:XRPUSDT; see hedgehog watch --help"},
		{"watch TRADES:XRPETH", `topic "TRADES:XRPETH": want KIND:SYMBOL with one of the kinds TRADE_EVENTS, ORDERS, OHLC, POSITIONS, SETTINGS; see hedgehog watch --help`},
		{"watch ORDERS:XRPETH --count 0", "--count 0: want 1 or more; see hedgehog watch --help"},
		{"status now", `unexpected argument "now"; see hedgehog status --help`},
		{"status --wait -1s", "--wait -1s: want more than 0; see hedgehog status --help"},
		{"version --jsno", "unknown flag --jsno: did you mean --json?; see hedgehog version --help"},
		{"cluster", "hedgehog cluster what? want one of status, nodes, symbols, events, watch, assign, unassign, pin, unpin, drain, undrain, rebalance, remove, transfer-leader, recover, keygen; see hedgehog cluster --help"},
		{"cluster asign XRPETH", `unknown command "asign": did you mean assign?; see hedgehog cluster --help`},
		{"cluster status n1", `unexpected argument "n1"; see hedgehog cluster status --help`},
		{"cluster symbols XRP[A-Z]", `"XRP[A-Z]" is no symbol and no pattern, which look like XRPUSDT and XRP*; see hedgehog cluster symbols --help`},
		{"cluster events --limit 0", "--limit 0: want 1 to 10000; see hedgehog cluster events --help"},
		{"cluster assign", "which symbols? name them, or use --all; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --all", "--all and symbols: want one of the two; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --weight 0", "--weight 0: want 1 or more; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --node n1 --node n2", "--node n1 and --node n2: want one owner; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --timeout 5s", "--timeout has a meaning only with --wait; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --wait --timeout 0s", "--timeout 0s: want more than 0; see hedgehog cluster assign --help"},
		{"cluster assign XRPETH --wait --dry-run", "--wait and --dry-run: a dry run changes nothing that could be waited for; see hedgehog cluster assign --help"},
		{"cluster pin XRPETH", "to which node? --node NAME; see hedgehog cluster pin --help"},
		{"cluster pin --node n1", "which symbol?; see hedgehog cluster pin --help"},
		{"cluster drain", "which node? hedgehog cluster nodes lists them; see hedgehog cluster drain --help"},
		{"cluster drain n1 n2", "want one node, not 2; see hedgehog cluster drain --help"},
		{"cluster remove http://n1:1", `"http://n1:1" is not a node's name: hedgehog cluster nodes lists them; see hedgehog cluster remove --help`},
		{"cluster rebalance n1", `unexpected argument "n1"; see hedgehog cluster rebalance --help`},
		{"cluster keygen secret", `unexpected argument "secret"; see hedgehog cluster keygen --help`},
		{"node --name ,", `name ",": want 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit; see hedgehog node --help`},
		{"node --sim-symbols XRPUSDT,x/y", `--sim-symbols "x/y": not a symbol's name, which looks like XRPUSDT; see hedgehog node --help`},
		{"node --profile fast", `profile "fast": want local, lan or wan; see hedgehog node --help`},
		{"node --join n1:7946,n2", `join address "n2": want HOST:PORT; see hedgehog node --help`},
		{"node --log-level loud", `--log-level "loud": want debug, info, warn or error; see hedgehog node --help`},
		{"node --log-format xml", `--log-format "xml": want auto, text or json; see hedgehog node --help`},
		{"exchange --speed fast", `--speed "fast": want max, lockstep or a factor above 0; see hedgehog exchange --help`},
		{"exchange --speed NaN", `--speed "NaN": want max, lockstep or a factor above 0; see hedgehog exchange --help`},
		{"exchange --times then", `--times "then": want kept or now; see hedgehog exchange --help`},
		{"exchange --symbols XRPNOPE", "--symbols: XRPNOPE: no built-in rules, its name ends with no known quote asset; give an exchange info that lists it; see hedgehog exchange --help"},
		{"exchange --balance USDT", `--balance "USDT": want ASSET=AMOUNT, such as USDT=1000; see hedgehog exchange --help`},
		{"exchange --balance USDT=all", `--balance "all": want a decimal number such as 0.001; see hedgehog exchange --help`},
		{"exchange --commission some", `--commission "some": want a decimal number such as 0.001; see hedgehog exchange --help`},
		{"exchange --connection-limit 0", "--connection-limit 0: want 1 or more; see hedgehog exchange --help"},
		{"exchange --weight-limit 0", "--weight-limit 0: want 1 or more; see hedgehog exchange --help"},
		{"exchange --ed25519-key robot", `--ed25519-key "robot": want NAME=FILE; see hedgehog exchange --help`},
	} {
		t.Run(test.args, func(t *testing.T) {
			checkFailure(t, hedgehog(t.Context(), strings.Fields(test.args)...), exitUsage, test.want)
		})
	}
}

func TestHelpTeachesEveryCommand(t *testing.T) {
	app := (&program{}).app()
	var paths [][]string
	for _, command := range app.Commands {
		paths = append(paths, []string{command.Name})
		for _, sub := range command.Subcommands {
			paths = append(paths, []string{command.Name, sub.Name})
		}
	}
	for _, path := range paths {
		name := strings.Join(path, " ")
		t.Run(name, func(t *testing.T) {
			help := mustHedgehog(t, append(path, "--help")...)
			for _, part := range []string{"NAME:\n   hedgehog " + name + " - ", "USAGE:", "OPTIONS:"} {
				if !strings.Contains(help, part) {
					t.Errorf("help lacks %q:\n%s", part, help)
				}
			}
			if other := mustHedgehog(t, append([]string{"help"}, path...)...); other != help {
				t.Errorf("hedgehog help %s differs from hedgehog %[1]s --help:\n%s", name, other)
			}
		})
	}
}

func TestHelpOfTheProgramNamesTheExitCodes(t *testing.T) {
	want := "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 no node answers."
	for _, args := range [][]string{nil, {"--help"}, {"help"}} {
		if help := mustHedgehog(t, args...); !strings.Contains(help, want) {
			t.Errorf("hedgehog %q prints no exit codes:\n%s", args, help)
		}
	}
}

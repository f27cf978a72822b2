#!/usr/bin/env bash
# Measures how long symbols are without a trader: after kill -9 of a follower,
# after kill -9 of the leader, and while a node is drained. It starts a cluster
# of its own (deploy/local/cluster.sh) in a temporary directory and on other
# ports, and restores it after each step.
#
#   KILLS=20 DRAINS=20 deploy/local/failover.sh
#
# A kill is counted from just before the signal to when the traders of all the
# killed node's symbols have been restored elsewhere, which is when they act for
# the first time if the market gives a reason; and, where the market gives one
# soon, to the first order or cancel for one of them that the exchange accepted
# from another node. A drain is counted, symbol by symbol, from the end of the old trader to when the new one
# has been restored. In the end the exchange's journal and the stored trades are
# checked.
set -euo pipefail
[ -n "${EPOCHREALTIME:-}" ] || { echo "failover.sh: needs bash 5" >&2; exit 1; }

kills=${KILLS:-20}
drains=${DRAINS:-20}
export HEDGEHOG=${HEDGEHOG:-bin/hedgehog}
export EXCHANGE_PORT=${EXCHANGE_PORT:-19090} HTTP_PORT=${HTTP_PORT:-18080} GOSSIP_PORT=${GOSSIP_PORT:-17939}
export TZ=UTC # so that the logs' times end with Z
here=$(dirname "$0")
work=$(mktemp -d)
export CLUSTER_DIR=$work/cluster

finish() {
    local code=$?
    trap - EXIT
    "$here/cluster.sh" stop || true
    if [ $code -eq 0 ]; then
        rm -rf "$work"
    else
        echo "failover.sh: failed; logs and journal are in $CLUSTER_DIR" >&2
    fi
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
    echo "failover.sh: $*" >&2
    exit 1
}

url() { echo "http://127.0.0.1:$((HTTP_PORT + $1))"; }

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

# cluster N ARGUMENTS… asks node N.
cluster() {
    local n=$1
    shift
    "$HEDGEHOG" cluster "$@" --node "$(url "$n")"
}

# owners N prints "SYMBOL NODE" for each assigned symbol, as node N sees it.
owners() { cluster "$1" symbols --json | awk -F'"' '$2 == "symbol" { s = $4 } $2 == "node" { print s, $4 }'; }

leader() { cluster "$1" status --json | awk -F'"' '$2 == "leader" { print $4; exit }'; }

# owned_by NODE prints the symbols of a node, in one line.
owned_by() { owners 1 | awk -v node="$1" '$2 == node { printf "%s ", $1 }'; }

# happened SINCE prints what traders did after SINCE (µs since 1970), a line each:
# time in µs; restored, stopped or acted; symbol; node.
happened() {
    local n
    for n in 1 2 3; do
        tail -n 2000 "$CLUSTER_DIR/n$n.log" | awk -v node="n$n" '
            function field(name) {
                if (!match($0, "\"" name "\":\"[^\"]*\"")) return ""
                return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
            }
            # us turns 2006-01-02T15:04:05.999999999Z into µs since 1970.
            function us(text,    p, y, m, days) {
                split(text, p, /[-T:Z]/)
                y = p[1]; m = p[2]
                if (m < 3) { y--; m += 12 }
                days = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + p[3] - 719469
                return ((days * 24 + p[4]) * 60 + p[5]) * 60000000 + p[6] * 1000000
            }
            /"msg":"positions restored"/ { printf "%.0f restored %s %s\n", us(field("time")), field("symbol"), node }
            /"msg":"part stopped"/ && field("part") == "trade" { printf "%.0f stopped %s %s\n", us(field("time")), field("symbol"), node }'
    done
    tail -n 2000 "$CLUSTER_DIR/journal.jsonl" | awk -F'"' '
        /"event":"(order|cancel)"/ {
            match($0, /"time_us":[0-9]+/); time = substr($0, RSTART + 10, RLENGTH - 10)
            match($0, /"symbol":"[^"]*"/); symbol = substr($0, RSTART + 10, RLENGTH - 11)
            match($0, /\([^)]*\)"/); print time, "acted", symbol, substr($0, RSTART + 1, RLENGTH - 3)
        }'
}

# after SINCE leaves the lines of happened that are later.
after() { awk -v since="$1" '$1 > since'; }

# settle waits until three nodes are there, agree on who leads and owns what, and
# each of them trades symbols.
settle() {
    local deadline=$((SECONDS + 60))
    until agreed && traded && spread; do
        [ $SECONDS -lt $deadline ] || fail "the cluster does not come to rest within a minute"
        sleep 0.2
    done
}

# spread succeeds when each node owns something; otherwise it sees to that.
spread() {
    local n
    for n in n1 n2 n3; do
        [ -n "$(owned_by $n)" ] && continue
        cluster 1 rebalance >/dev/null || true # settle tries again
        return 1
    done
}

# agreed succeeds when all nodes see the same cluster, with all of them in it.
agreed() {
    local n view first=""
    for n in 1 2 3; do
        view=$(cluster "$n" status --json 2>/dev/null | grep -E '"(leader|term|quorum|name|state)"' &&
            cluster "$n" symbols --json 2>/dev/null | grep -E '"(symbol|node|epoch)"') || return 1
        [ -n "$first" ] || first=$view
        [ "$view" = "$first" ] || return 1
    done
    [ "$(grep -cE '"quorum": true|"leader": "n|"state": "alive"' <<<"$first")" = 5 ] && ! grep -q '"node": ""' <<<"$first"
}

# traded succeeds when each symbol has a trader on its owner.
traded() {
    local symbol node
    while read -r symbol node; do
        "$HEDGEHOG" status --json --node "$(url "${node#n}")" | awk -F'"' -v want="$symbol" '
            $2 == "symbol" { s = $4 } $2 == "name" && $4 == "trade" && s == want { found = 1 } END { exit !found }' || return 1
    done <<<"$(owners 1)"
}

# kill_node NODE KIND kills, appends what it took to $work/KIND.*, and restores.
kill_node() {
    local victim=$1 kind=$2 symbols since seen deadline=$((SECONDS + 30)) restored acted
    symbols=$(owned_by "$victim")
    since=$(now_us)
    kill -KILL "$(cat "$CLUSTER_DIR/$victim.pid")"
    while :; do
        seen=$(happened | after "$since" | sort -n | awk -v victim="$victim" -v symbols="$symbols" '
            BEGIN { wanted = split(symbols, list); for (i in list) ours[list[i]] = 1 }
            $4 == victim || !($3 in ours) { next }
            $2 == "acted" && !acted { acted = $1 }
            $2 != "stopped" && !($3 in done) { done[$3]; got++; last = $1 } # one without positions only acts
            END { if (got == wanted) printf "%.0f %.0f\n", last, acted }')
        read -r restored acted <<<"${seen:-0 0}"
        [ "$acted" = 0 ] && { [ "$restored" = 0 ] || [ $(($(now_us) - restored)) -lt 5000000 ]; } || break
        [ $SECONDS -lt $deadline ] || fail "$victim killed: 30 s later not all of these are traded: $symbols"
        sleep 0.2
    done
    echo $((restored - since)) >>"$work/$kind.restored"
    if [ "$acted" = 0 ]; then
        acted="no order within 5 s"
    else
        echo $((acted - since)) >>"$work/$kind.acted"
        acted="first order after $(((acted - since) / 1000)) ms"
    fi
    echo "  $kind $victim killed: traded elsewhere after $(((restored - since) / 1000)) ms, $acted"
    "$here/cluster.sh" start "${victim#n}" >/dev/null
    settle
}

# drain NODE hands its symbols over, appends each one's time without a trader,
# and has it own symbols again.
drain() {
    local since symbols
    symbols=$(owned_by "$1")
    since=$(now_us)
    cluster 1 drain "$1" --wait >/dev/null 2>>"$work/waits"
    local deadline=$((SECONDS + 30)) gaps
    while :; do
        gaps=$(happened | after "$since" | sort -n | awk -v from="$1" '
            $2 == "stopped" && $4 == from { end[$3] = $1 }
            $2 == "restored" && $4 != from && ($3 in end) { printf "%.0f\n", $1 - end[$3]; delete end[$3] }')
        [ "$(wc -w <<<"$gaps")" -lt "$(wc -w <<<"$symbols")" ] || break
        [ $SECONDS -lt $deadline ] || fail "$1 drained: 30 s later not all of these are traded: $symbols"
        sleep 0.2
    done
    echo "$gaps" >>"$work/drain.gap"
    cluster 1 undrain "$1" --wait >/dev/null 2>>"$work/waits"
    settle
}

# line WHAT FILE prints count, minimum, median, 99th percentile and maximum.
line() {
    [ -s "$work/$2" ] || return 0
    sort -n "$work/$2" | awk -v what="$1" '
        { v[NR] = $1 / 1000 }
        function rank(share,    i) { i = int(share * NR); if (i < share * NR) i++; return v[i < 1 ? 1 : i] }
        END { printf "%-46s %5d %8.0f %8.0f %8.0f %8.0f\n", what, NR, v[1], rank(0.5), rank(0.99), v[NR] }'
}

# check_journal fails when a client order id was accepted twice.
check_journal() {
    local twice
    twice=$(grep '"event":"order"' "$CLUSTER_DIR/journal.jsonl" | grep -o '"client_order_id":"[^"]*"' | sort | uniq -d)
    [ -z "$twice" ] || fail "accepted more than once: $twice"
    echo "The exchange accepted $(grep -c '"event":"order"' "$CLUSTER_DIR/journal.jsonl") orders, no client order id twice."
}

# check_trades fails when the newest stored ids of a symbol, over all nodes, have
# a hole.
check_trades() {
    local symbol node holes
    while read -r symbol node; do
        holes=$("$HEDGEHOG" trades "$symbol" --limit 10000 --json --node "$(url 1)" | awk -F'[:,]' '
            /"trade_id"/ { id = $2 + 0; if (last && id != last + 1) print last "-" id; last = id } END { if (!last) print "nothing stored" }')
        [ -z "$holes" ] || fail "$symbol: holes among the stored trades: $holes"
    done <<<"$(owners 1)"
    echo "The stored trades of all symbols have no hole."
}

"$here/cluster.sh" boot
settle
for i in $(seq "$kills"); do
    echo "kill $i of $kills"
    follower=$(owners 1 | awk -v leader="$(leader 1)" '$2 != leader { print $2; exit }')
    kill_node "$follower" follower
    kill_node "$(leader 1)" leader
done
for i in $(seq "$drains"); do
    echo "drain $i of $drains"
    drain "n$((i % 3 + 1))"
done

echo
printf '%-46s %5s %8s %8s %8s %8s\n' 'milliseconds' n min median p99 max
line 'kill -9 of a follower: all its symbols traded' follower.restored
line 'kill -9 of a follower: first order accepted' follower.acted
line 'kill -9 of the leader: all its symbols traded' leader.restored
line 'kill -9 of the leader: first order accepted' leader.acted
line 'drain: a symbol without a trader' drain.gap
echo
check_journal
check_trades

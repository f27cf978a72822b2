#!/usr/bin/env bash
# A cluster of three nodes, n1 to n3, with a simulated exchange, all on this
# machine.
#
#   cluster.sh up        start and trade, say what to try, stop all with Ctrl-C
#   cluster.sh boot      start and trade, and return
#   cluster.sh start N   start node N (again)
#   cluster.sh kill N    end node N as a power cut would
#   cluster.sh stop      stop all
#   cluster.sh running   succeed while any of it runs
#
# CLUSTER_DIR holds the secret, and of each process the data, the log and the
# pid file. Only processes are signalled whose pid file is there and whose
# command line has that directory in it.
set -euo pipefail

hedgehog=${HEDGEHOG:-bin/hedgehog}
shown=${CLUSTER_DIR:-.cluster}
exchange_port=${EXCHANGE_PORT:-9090}
http_port=${HTTP_PORT:-8080}     # node N answers at this plus N
gossip_port=${GOSSIP_PORT:-7939} # node N gossips at this plus 2 N; TLS is the next one up
read -ra symbols <<<"${SYMBOLS:-BTCUSDT ETHUSDT BNBUSDT XRPUSDT SOLUSDT DOGEUSDT LTCUSDT XRPETH}"
nodes="1 2 3"
unset HEDGEHOG_NODE

case "$shown" in
/*) dir=$shown ;;
*) dir=$PWD/$shown ;;
esac

fail() {
    echo "cluster.sh: $*" >&2
    exit 1
}

url() { echo "http://127.0.0.1:$((http_port + $1))"; }
gossip() { echo "127.0.0.1:$((gossip_port + 2 * $1))"; }

# pid NAME prints the process id of a process of ours that runs.
pid() {
    local id
    id=$(cat "$dir/$1.pid" 2>/dev/null) || return 1
    case "$(ps -o args= -p "$id" 2>/dev/null)" in
    *" --data-dir $dir/$1") echo "$id" ;;
    *) return 1 ;;
    esac
}

running() {
    local name
    for name in exchange n1 n2 n3; do
        ! pid "$name" >/dev/null || return 0
    done
    return 1
}

# launch NAME ARGUMENTS… starts hedgehog in a process group of its own: Ctrl-C
# reaches only this script, which then stops all in order.
launch() {
    local name=$1
    shift
    set -m
    "$hedgehog" "$@" --log-format json --data-dir "$dir/$name" >>"$dir/$name.log" 2>&1 &
    echo $! >"$dir/$name.pid"
    disown
    set +m
}

# The exchange counts requests by address, and here all nodes have the same one:
# the limit is raised, or a few takeovers a minute would use it up.
launch_exchange() {
    launch exchange exchange --listen "127.0.0.1:$exchange_port" --journal "$dir/journal.jsonl" --start now \
        --symbols "$(IFS=,; echo "${symbols[*]}")" --rate 20 --commission 0.0001 \
        --weight-limit 100000 --order-limit 1000 --connection-limit 100000
}

# launch_node N: n1 founds the cluster, which all others join, and itself later.
launch_node() {
    local join=() other
    if [ "$1" != 1 ] || [ -e "$dir/n1" ]; then
        for other in $nodes; do
            [ "$other" = "$1" ] || join+=(--join "$(gossip "$other")")
        done
    fi
    launch "n$1" node --name "n$1" --http "127.0.0.1:$((http_port + $1))" --exchange "http://127.0.0.1:$exchange_port" \
        --bind "$(gossip "$1")" ${join[@]+"${join[@]}"} --secret-file "$dir/secret" --profile local
}

# ready N waits until the node knows its exchange, or says why it does not.
ready() {
    local tries=0
    until "$hedgehog" status --wait 1s --node "$(url "$1")" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -eq 30 ] || ! pid "n$1" >/dev/null; then
            echo "The end of $shown/n$1.log:" >&2
            tail -n 5 "$dir/n$1.log" >&2
            fail "n$1 did not start"
        fi
        [ $tries -ne 2 ] || echo "Waiting for n$1 …"
    done
}

# together waits until the three nodes are one cluster with a leader.
together() {
    local tries=0
    until [ "$("$hedgehog" cluster status --json --node "$(url 1)" 2>/dev/null |
        grep -cE '"quorum": true|"leader": "n|"state": "alive"|"role": "(leader|voter)"')" = 8 ]; do
        tries=$((tries + 1))
        [ $tries -lt 150 ] || fail "the nodes do not form a cluster; see $shown/n1.log"
        [ $tries -ne 10 ] || echo "Waiting until the nodes have formed a cluster …"
        sleep 0.2
    done
}

boot() {
    ! running || fail "it runs already; 'make cluster-stop' stops it"
    local fresh=true n
    mkdir -p "$dir"
    [ ! -e "$dir/n1" ] || fresh=false
    [ -e "$dir/secret" ] || "$hedgehog" cluster keygen --out "$dir/secret" >/dev/null
    trap 'stop >&2' EXIT # until all is well
    echo "Starting the exchange and three nodes …"
    launch_exchange
    launch_node 1
    # A new cluster has to be there before others can join it; an old one may need
    # the others before it can go on.
    ! $fresh || ready 1
    launch_node 2
    launch_node 3
    for n in $nodes; do ready "$n"; done
    together
    if $fresh; then
        echo "Switching everything on for ${#symbols[@]} symbols …"
        switch_on
    fi
    "$hedgehog" cluster assign "${symbols[@]}" --wait --node "$(url 1)" >/dev/null
    trap - EXIT
}

# switch_on makes the nodes trade the symbols, with settings that make for much
# to see.
switch_on() {
    local symbol
    export HEDGEHOG_NODE
    HEDGEHOG_NODE=$(url 1)
    for symbol in "${symbols[@]}"; do
        "$hedgehog" trade settings "$symbol" --budget 10000 --chunks 5 --profit-target 0.001 \
            --buy-down-interval 0.002 --rebuy-interval 0.002 >/dev/null
    done
    "$hedgehog" collect start "${symbols[@]}" >/dev/null
    "$hedgehog" aggregate start "${symbols[@]}" >/dev/null
    "$hedgehog" trade start "${symbols[@]}" >/dev/null
    "$hedgehog" stream start "${symbols[@]}" >/dev/null
    unset HEDGEHOG_NODE
}

# end NAME… lets processes end in order, and kills what has not ended after 15 s.
end() {
    local name id waited=0 left
    for name in "$@"; do
        ! id=$(pid "$name") || kill -TERM "$id" 2>/dev/null || true
    done
    while :; do
        left=()
        for name in "$@"; do
            ! pid "$name" >/dev/null || left+=("$name")
        done
        [ ${#left[@]} -gt 0 ] || break
        waited=$((waited + 1))
        [ $waited -ne 20 ] || echo "Waiting for ${left[*]} to stop …"
        [ $waited -lt 150 ] || for name in "${left[@]}"; do ! id=$(pid "$name") || kill -KILL "$id" || true; done
        sleep 0.1
    done
    for name in "$@"; do rm -f "$dir/$name.pid"; done
}

stop() {
    end n1 n2 n3
    end exchange # the nodes still talk to it while they stop
}

node_argument() {
    case "${1:-}" in
    [123]) ;;
    *) fail "which node? N=1, 2 or 3" ;;
    esac
}

start_node() {
    node_argument "${1:-}"
    ! pid "n$1" >/dev/null || fail "n$1 runs already"
    launch_node "$1"
    ready "$1"
    echo "n$1 runs; its log is $shown/n$1.log"
}

kill_node() {
    node_argument "${1:-}"
    local id
    id=$(pid "n$1") || fail "n$1 does not run"
    kill -KILL "$id"
    rm -f "$dir/n$1.pid"
    echo "n$1 is killed; 'make cluster-start N=$1' starts it again"
}

up() {
    boot
    trap 'echo; echo "Stopping …"; stop; echo "Stopped. The data are in $shown; make clean removes them."' EXIT
    trap 'exit 0' INT TERM HUP
    cat <<END

Three nodes trade ${#symbols[@]} symbols on the simulated exchange at http://127.0.0.1:$exchange_port; the
prices walk at random, the money is not real. Every node has the page; n1's is $(url 1).

END
    "$hedgehog" cluster status --node "$(url 1)"
    echo
    "$hedgehog" cluster symbols --node "$(url 1)"
    cat <<END

Try in another terminal:

  $hedgehog top --node $(url 1)
  $hedgehog cluster watch --node $(url 1)
  make cluster-kill N=2          kill -9 a node: its symbols trade on elsewhere within seconds
  make cluster-start N=2         it comes back and takes its share
  $hedgehog cluster drain n3 --wait --node $(url 1)
  $hedgehog cluster symbols --watch --node $(url 3)
  $hedgehog orders ${symbols[0]} --limit 10 --node $(url 3)
  $hedgehog watch TRADE_EVENTS:${symbols[0]} --node $(url 3)
  tail -f $shown/journal.jsonl   what the exchange accepted, and from whom

Logs are in $shown. Ctrl-C stops everything.

END
    attend
}

# attend says which processes end and start, until it is interrupted or all have
# ended.
attend() {
    local name known was=" exchange n1 n2 n3 "
    while running; do
        for name in exchange n1 n2 n3; do
            case "$was" in *" $name "*) known=true ;; *) known=false ;; esac
            if pid "$name" >/dev/null; then
                $known || echo "$(date +%T)  $name runs again"
                $known || was+="$name "
            elif $known; then
                echo "$(date +%T)  $name has ended"
                was=${was/ $name / }
            fi
        done
        sleep 0.5
    done
}

case "${1:-}" in
up) up ;;
boot) boot ;;
start) start_node "${2:-}" ;;
kill) kill_node "${2:-}" ;;
stop) stop ;;
running) running ;;
*) fail "want up, boot, start N, kill N, stop or running" ;;
esac

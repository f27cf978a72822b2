#!/usr/bin/env bash
# Runs one node with a simulated exchange inside it and trades one symbol there.
# Usage: deploy/local/run.sh [SYMBOL]. Ctrl-C stops the node; its data stay in
# DATA_DIR (.hedgehog) for the next run.
set -euo pipefail

hedgehog=${HEDGEHOG:-bin/hedgehog}
symbol=${1:-XRPUSDT}
data=${DATA_DIR:-.hedgehog}
address=${HTTP:-127.0.0.1:8080}
export HEDGEHOG_NODE=http://$address

mkdir -p "$data"
log=$data/node.log
"$hedgehog" node --data-dir "$data" --http "$address" --log-format text >>"$log" 2>&1 &
node=$!
stop() {
    trap - INT TERM EXIT
    kill -TERM "$node" 2>/dev/null || true
    wait "$node" || true
    echo
    echo "Stopped. The data are in $data; 'make clean' removes them."
}
trap stop EXIT
trap 'exit 0' INT TERM

if ! "$hedgehog" status --wait 30s >/dev/null || ! kill -0 "$node" 2>/dev/null; then
    echo "The node did not start. The end of $log says why:" >&2
    tail -n 3 "$log" >&2
    exit 1
fi
"$hedgehog" collect start "$symbol" >/dev/null
"$hedgehog" aggregate start "$symbol" >/dev/null
"$hedgehog" trade settings "$symbol" --budget 1000 --chunks 5 --profit-target 0.001 \
    --buy-down-interval 0.0005 --rebuy-interval 0.001 >/dev/null
"$hedgehog" trade start "$symbol" >/dev/null
"$hedgehog" stream start "$symbol" >/dev/null

# The first order follows the first trade.
for _ in $(seq 150); do
    [ "$("$hedgehog" orders "$symbol" --json | tr -d '[:space:]')" = "[]" ] || break
    sleep 0.2
done

cat <<EOF
This node trades $symbol on a simulated exchange inside it: the prices walk at
random, the money is not real. Its page is $HEDGEHOG_NODE, its log is in $log.

The latest trades on the exchange:
EOF
"$hedgehog" trades "$symbol" --limit 5
echo
echo "Our orders:"
"$hedgehog" orders "$symbol" --limit 5
cat <<EOF

Try in another terminal (the first candle is finished after a minute):

  $hedgehog status
  $hedgehog watch TRADE_EVENTS:$symbol
  $hedgehog orders $symbol
  $hedgehog trade positions $symbol
  $hedgehog candles $symbol
  $hedgehog trade shutdown $symbol

Ctrl-C stops the node.
EOF
wait "$node"

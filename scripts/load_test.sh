#!/usr/bin/env bash
# Starts a server of its own, without traders, and puts load on it; arguments go to `aeromatch load`.
#
#   scripts/load_test.sh
#   scripts/load_test.sh --rate 2000 --connections 32 --seconds 10 --json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

make build >&2
aeromatch=.venv/bin/aeromatch
folder=$(mktemp -d)
port=${PORT:-18080}
cat > "$folder/config.yaml" <<'YAML'
auth: {mode: off}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.0001}
YAML
"$aeromatch" serve --config "$folder/config.yaml" --port "$port" 2> "$folder/server.log" &
server=$!
trap 'kill "$server" 2> /dev/null || true; wait "$server" || true; rm -rf "$folder"' EXIT
until curl -fs "http://127.0.0.1:$port/ready" > /dev/null; do
    kill -0 "$server" 2> /dev/null || { cat "$folder/server.log" >&2; exit 1; }
    sleep 0.1
done
"$aeromatch" load --url "http://127.0.0.1:$port" "$@"

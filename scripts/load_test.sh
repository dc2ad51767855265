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
cat > "$folder/config.yaml" <<'YAML'
auth: {mode: off}
logging: {format: json}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.0001}
YAML
# Any port that is free: whoever answers at a fixed one may be another server.
"$aeromatch" serve --config "$folder/config.yaml" --port 0 2> "$folder/server.log" &
server=$!
trap 'kill "$server" 2> /dev/null || true; wait "$server" || true; rm -rf "$folder"' EXIT
until url=$(grep -s -m 1 '"message":"ready"' "$folder/server.log" | grep -o 'http://[^"]*'); do
    kill -0 "$server" 2> /dev/null || { cat "$folder/server.log" >&2; exit 1; }
    sleep 0.1
done
"$aeromatch" load --url "$url" "$@"

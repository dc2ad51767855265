#!/usr/bin/env bash
# Runs the server on this machine: with a configuration if one is named, else the demo's market.
#
#   scripts/run_local.sh                      the demo
#   scripts/run_local.sh config.yaml          a configuration
#   scripts/run_local.sh config.yaml --port 9000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

make build
if [[ $# -gt 0 && $1 != -* ]]; then
    config=$1
    shift
    exec .venv/bin/aeromatch serve --config "$config" "$@"
fi
exec .venv/bin/aeromatch serve --demo "$@"

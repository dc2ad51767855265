#!/usr/bin/env bash
# Measures the engine, the runtime and the server on this machine, one after the other; arguments go to each.
#
#   scripts/benchmark.sh
#   scripts/benchmark.sh --rounds 1           the shortest, in some minutes
#   scripts/benchmark.sh --json > figures     three documents of JSON, one after the other, as jq reads them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

make build >&2
aeromatch=.venv/bin/aeromatch
"$aeromatch" bench "$@"
"$aeromatch" bench runtime "$@"
"$aeromatch" bench server "$@"

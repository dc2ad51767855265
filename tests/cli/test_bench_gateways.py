"""`aeromatch bench gateways`: every gateway takes the load, in every way that it has."""

import json
import subprocess
import sys

from aeromatch.bench.gateways import BATCHING, GATEWAYS, PIPELINING


def test_every_gateway_is_measured() -> None:
    command = [sys.executable, "-m", "aeromatch", "bench", "gateways", "--seconds", "0.3", "--warmup", "0.1"]
    done = subprocess.run(
        [*command, "--batch", "20", "--json"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    ways = json.loads(done.stdout)["ways"]
    for gateway in GATEWAYS:
        own = [way for way in ways if way["gateway"] == gateway]
        assert [way["connections"] for way in own[:2]] == [1, 16]
        assert any(way["in_flight"] > 1 for way in own) == (gateway in PIPELINING)
        assert any(way["batch"] == 20 for way in own) == (gateway in BATCHING)
        assert ["prepared" in way["way"] for way in own].count(True) == (2 if gateway == "binary" else 0)
        for way in own:
            assert way["orders_per_second"] > 0
            assert 0 < way["response_ns"]["p50"] <= way["response_ns"]["p99"] <= way["response_ns"]["p99.9"]
            # Cancels and changes of what was traded away in between, and nothing else.
            assert way["slugs"].keys() <= {"unknown_order", "quantity_below_filled", "insufficient_liquidity"}
    assert done.stderr == ""

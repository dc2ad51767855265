"""How admission is set up."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

__all__ = ["AdmissionOptions", "Rate"]


class Rate(NamedTuple):
    """A limit: so many a second, and so many at once. 0 a second is no limit."""

    per_second: int = 0
    burst: int = 0


@dataclass(frozen=True, slots=True)
class AdmissionOptions:
    """What a configuration says of keys and limits.

    Attributes:
        keys_file: The file that `aeromatch keys` writes; None: nobody needs a key, and everybody may do everything.
        window_ms: How old a signature may be.
        ahead_ms: How far a signer's clock may be ahead.
        nonces: How many nonces can be remembered; 8 bytes each. Four times as many as signed requests come in
            window_ms + ahead_ms is plenty.
        key_orders: Of each key that has no limit of its own: orders, amends and cancels.
        key_requests: Of each key that has no limit of its own: everything else.
        address_orders: Of each address: orders, amends and cancels.
        address_requests: Of each address: everything else.
        venue_orders: Of all together: orders, amends and cancels.
        failures: Of each address: wrong credentials that are told why; beyond that they are answered with 429.
        connections: Of all together.
        connections_per_address: Of each address.
    """

    keys_file: Path | None = None
    window_ms: int = 5_000
    ahead_ms: int = 1_000
    nonces: int = 1 << 20
    key_orders: Rate = field(default=Rate(5_000, 10_000))
    key_requests: Rate = field(default=Rate(1_000, 2_000))
    address_orders: Rate = field(default=Rate())
    address_requests: Rate = field(default=Rate())
    venue_orders: Rate = field(default=Rate())
    failures: Rate = field(default=Rate(1, 20))
    connections: int = 4_096
    connections_per_address: int = 2_048

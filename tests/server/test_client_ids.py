"""Client order ids that nobody named come from the books."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

from aeromatch import Exchange, Instrument, Shards
from aeromatch.server.client_ids import ClientOrderIds


def test_several_threads_may_look_for_them() -> None:
    with Exchange(shards=Shards(1, stamp_time=True)) as exchange:
        exchange.create_instrument(Instrument("BTC-USD", tick_size="0.5", lot_size="0.01"))
        exchange.create_account("ann")
        names = {}
        for number in range(400):
            report = exchange.submit(
                "BTC-USD", "buy", quantity=1, price=90, account="ann", client_order_id=f"c{number}"
            )
            assert report.order_id is not None
            names[report.order_id] = f"c{number}"
        # Those who trade and those who look use different doors.
        with contextlib.closing(ClientOrderIds(exchange)) as ids, ThreadPoolExecutor(4) as threads:
            assert dict(zip(names, threads.map(ids.find, names), strict=True)) == names

"""The dashboard of a server that asks for keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.venue import Venue, Watch

from aeromatch.server.admission.keys import KeyStore


@pytest.fixture
def token(tmp_path: Path) -> str:
    """What alice proves herself with."""
    return KeyStore(tmp_path / "keys.yaml").create("trade", "alice", key_id="alice-1").token


@pytest.fixture
def locked(browser: Any, token: str, tmp_path: Path) -> Iterator[Watch]:
    """Pages of a server that asks for keys."""
    assert token
    venue = Venue(tmp_path, auth="keys")
    venue.start()
    watch = Watch(browser, venue)
    watch.refusals_expected = True
    yield watch
    watch.close()
    venue.kill()
    assert watch.faults == []
    assert watch.foreign == []


def test_a_token_is_asked_for_used_and_kept_in_the_tab_alone(locked: Watch, token: str) -> None:
    page = locked.page("/")
    dialog = page.get_by_role("dialog", name="This server asks who you are")
    dialog.get_by_label("Token").fill("alice-1.wrong")
    dialog.get_by_role("button", name="Use it").click()
    dialog.get_by_role("alert").wait_for()
    dialog.get_by_label("Token").fill(token)
    dialog.get_by_role("button", name="Use it").click()
    page.get_by_test_id("link").get_by_text("live").wait_for()
    dialog.wait_for(state="detached")
    page.get_by_label("Price", exact=True).fill("100")
    page.get_by_label("Quantity", exact=True).fill("1")
    page.get_by_test_id("place").click()
    page.get_by_test_id("open-orders").locator("tbody tr").filter(has_text="0 / 1").wait_for()
    assert page.get_by_label("Account").locator("option").all_inner_texts() == ["alice"]

    page.reload()
    page.get_by_test_id("open-orders").locator("tbody tr").filter(has_text="0 / 1").wait_for()
    kept = page.evaluate("[sessionStorage.getItem('aeromatch.token'), JSON.stringify(localStorage), document.cookie]")
    assert kept[0] == token
    assert token not in kept[1]
    assert kept[2] == ""

    page.keyboard.press("?")
    page.get_by_role("button", name="Forget the token").click()
    dialog.wait_for()
    assert page.evaluate("sessionStorage.getItem('aeromatch.token')") is None


def test_orders_are_placed_from_another_machine_without_tls_too(locked: Watch, token: str) -> None:
    locked.address = locked.address.replace("127.0.0.1", "venue.test")
    page = locked.page("/")
    # Here a browser keeps some of its functions from a page.
    assert page.evaluate("isSecureContext") is False
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Use it").click()
    page.get_by_label("Price", exact=True).fill("100")
    page.get_by_label("Quantity", exact=True).fill("1")
    page.get_by_test_id("place").click()
    page.get_by_test_id("open-orders").locator("tbody tr").filter(has_text="0 / 1").wait_for()
    # It says that it takes one of the headers from TLS alone.
    locked.faults = [fault for fault in locked.faults if "Cross-Origin-Opener-Policy" not in fault]


def test_a_trader_is_shown_no_settlement(locked: Watch, token: str) -> None:
    page = locked.page("/#/events")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Use it").click()
    card = page.locator('[data-event="Rain tomorrow"]')
    card.get_by_role("button", name="Mint").wait_for()
    assert card.get_by_role("button", name="Settle").count() == 0

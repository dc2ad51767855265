"""The dashboard as its users have it: a real browser, a real server, nothing in between."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from tests.browser.venue import PATIENCE_MS, Venue, Watch


def place(page: Any, side: str, quantity: str, price: str) -> None:
    """Places a limit order through the ticket."""
    page.get_by_role("button", name=side, exact=True).click()
    page.get_by_label("Price", exact=True).fill(price)
    page.get_by_label("Quantity", exact=True).fill(quantity)
    page.get_by_test_id("place").click()


def eventually(page: Any, holds: Callable[[], bool]) -> None:
    """Waits for what is no element of the page."""
    for _ in range(PATIENCE_MS // 20):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never was so")


def open_row(page: Any, *texts: str) -> Any:
    """The row of an open order that has these texts."""
    row = page.get_by_test_id("open-orders").locator("tbody tr")
    for text in texts:
        row = row.filter(has_text=text)
    return row


def test_an_order_is_placed_seen_and_filled(page: Any, venue: Venue) -> None:
    place(page, "Buy", "2", "100")
    open_row(page, "buy", "100.0", "0 / 2", "open").wait_for()
    page.locator('.level.own[data-price="100.0"]').get_by_text("2.000").first.wait_for()
    assert page.title().endswith("AeroMatch")

    venue.order("bob", "sell", "0.5", "100")
    page.get_by_test_id("notices").get_by_text("Bought 0.500 BTC-USD at 100.0").wait_for()
    open_row(page, "0.5 / 2", "partially filled").wait_for()
    page.locator('.level.own[data-price="100.0"]').get_by_text("1.500").first.wait_for()
    page.get_by_test_id("tape").locator("li").filter(has_text="0.500").filter(has_text="100.0").first.wait_for()
    page.get_by_test_id("last-price").get_by_text("100.0", exact=True).wait_for()
    eventually(page, lambda: page.title() == "100.0 BTC-USD · AeroMatch")

    venue.order("bob", "sell", "1.5", "100")
    open_row(page, "buy").wait_for(state="detached")
    page.get_by_role("tab", name="Fills").click()
    fills = page.get_by_test_id("fills").locator("tbody tr")
    fills.nth(1).wait_for()
    assert [fills.nth(at).locator("td").nth(4).inner_text() for at in range(2)] == ["1.500", "0.500"]
    page.get_by_role("tab", name="History").click()
    page.get_by_test_id("history").locator("tbody tr").first.get_by_text("filled").wait_for()


def test_a_chart_has_the_trades(page: Any, venue: Venue) -> None:
    venue.order("bob", "sell", "1", "120")
    venue.order("alice", "buy", "1", "120")
    page.locator('.chart[data-candles]:not([data-candles="0"])').wait_for()
    page.get_by_role("button", name="1s", exact=True).click()
    page.locator('.chart[data-candles]:not([data-candles="0"])').wait_for()
    assert page.locator(".chart canvas").count() > 0


def test_a_young_market_is_shown_by_the_second(watch: Watch, venue: Venue) -> None:
    page = watch.page("/docs")

    def has_more_seconds() -> bool:
        venue.order("bob", "sell", "1", "120")
        venue.order("alice", "buy", "1", "120")
        seconds, minutes = (venue.ask("GET", f"/candles/BTC-USD?period={it}")["candles"] for it in ("1s", "1m"))
        return len(seconds) > len(minutes)

    eventually(page, has_more_seconds)
    page = watch.open()
    page.locator('.periods button[data-value="1s"][aria-pressed="true"]').wait_for()
    page.get_by_role("button", name="1m", exact=True).click()
    page.keyboard.press("/")
    page.keyboard.type("eth")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="ETH-USD").first.wait_for()
    assert page.get_by_role("button", name="1m", exact=True).get_attribute("aria-pressed") == "true"


def test_an_order_is_amended_and_canceled(page: Any) -> None:
    place(page, "Sell", "1", "200")
    open_row(page, "200.0").get_by_role("button", name="Amend").click()
    page.get_by_label("New price").fill("210.2")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("price is not a multiple of the tick 0.5: 210 is near").wait_for()
    page.get_by_label("New price").fill("210")
    page.get_by_label("New quantity").fill("0.75")
    page.keyboard.press("Enter")
    row = open_row(page, "210.0", "0 / 0.75")
    page.locator('.level.own[data-price="210.0"]').wait_for()
    assert page.locator('.level.own[data-price="200.0"]').count() == 0
    row.get_by_role("button", name="Cancel").click()
    row.wait_for(state="detached")
    page.locator('.level[data-price="210.0"]').wait_for(state="detached")
    page.get_by_role("tab", name="History").click()
    page.get_by_test_id("history").locator("tbody tr").first.get_by_text("requested").wait_for()


def test_all_orders_of_a_market_are_canceled_after_a_second_press(page: Any) -> None:
    place(page, "Sell", "1", "300")
    open_row(page, "300.0").wait_for()
    place(page, "Sell", "1", "301")
    open_row(page, "301.0").wait_for()
    page.get_by_role("button", name="Cancel all BTC-USD").click()
    page.get_by_role("button", name="Really cancel 2?").click()
    page.get_by_test_id("notices").get_by_text("2 orders canceled").wait_for()
    open_row(page, "sell").first.wait_for(state="detached")


def test_the_ticket_says_what_is_wrong_before_anything_is_sent(page: Any) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    place(page, "Buy", "0.0004", "100.3")
    page.get_by_text("Price is not a multiple of the tick 0.5: 100.5 is near").wait_for()
    page.get_by_text("Quantity is not a multiple of the lot 0.001: 0.001 is near").wait_for()
    assert page.get_by_label("Price", exact=True).get_attribute("aria-invalid") == "true"
    assert sent == []


def test_what_the_server_refuses_is_told_in_words(watch: Watch, venue: Venue) -> None:
    watch.refusals_expected = True
    page = watch.open()
    venue.order("bob", "sell", "1", "150")
    page.get_by_text("More").click()
    page.get_by_label("Post only").select_option("yes")
    place(page, "Buy", "1", "150")
    page.locator(".ticket .refusal").get_by_text("post only would take").wait_for()
    page.get_by_label("Post only").select_option("no")
    place(page, "Buy", "100000", "149")
    page.locator(".ticket .refusal").get_by_text("insufficient funds").wait_for()


@pytest.mark.parametrize("kind", ["market", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"])
def test_every_type_goes_through_the_ticket(page: Any, venue: Venue, kind: str) -> None:
    venue.order("bob", "sell", "5", "160")
    venue.order("alice", "buy", "1", "160")  # stops need a last price
    # What is suggested comes from the book that is shown.
    page.locator('.level[data-price="160.0"]').first.wait_for()
    if kind in ("stop", "trailing_stop"):
        # A buy has to say what it may cost.
        page.get_by_role("button", name="Sell", exact=True).click()
    page.get_by_label("Type").select_option(kind)
    page.get_by_label("Quantity", exact=True).fill("0.25")
    if "stop" in kind and "trailing" not in kind:
        page.get_by_label("Stop price").fill("150" if kind == "stop" else "170")
    if "trailing" in kind:
        page.get_by_label("Offset").fill("10")
    if kind.endswith("limit"):
        page.get_by_label("Price", exact=True).fill("175")
    page.get_by_test_id("place").click()
    if kind == "market":
        # Suggested: one per cent above the best ask.
        assert page.get_by_label("Worst price").input_value() == "162"
        page.get_by_test_id("notices").get_by_text("Bought 0.250 BTC-USD at 160.0").wait_for()
    else:
        open_row(page, kind.replace("_", " "), "0 / 0.25", "dormant").first.wait_for()


def test_the_ladder_fills_the_ticket_by_mouse_and_keys(page: Any, venue: Venue) -> None:
    venue.order("bob", "sell", "1", "151")
    venue.order("bob", "sell", "2", "152")
    venue.order("bob", "buy", "1", "149.5")
    page.locator('.level[data-price="152.0"]').click()
    assert page.get_by_label("Price", exact=True).input_value() == "152"
    page.locator('.level[data-price="152.0"]').click(modifiers=["Shift"])
    assert page.get_by_label("Quantity", exact=True).input_value() == "3"
    assert page.get_by_test_id("place").inner_text() == "Buy BTC-USD"
    page.get_by_role("listbox", name="Price ladder").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.get_by_label("Price", exact=True).input_value() == "149.5"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+Enter")
    assert page.get_by_label("Price", exact=True).input_value() == "151"
    assert page.get_by_label("Quantity", exact=True).input_value() == "1"


def test_the_book_follows_and_verifies_itself(page: Any, venue: Venue) -> None:
    for step in range(20):
        venue.order("bob", "buy", "1", str(50 + step))
    page.locator('.level[data-price="69.0"]').wait_for()
    page.locator("[data-testid=book-state][data-verified=true]").wait_for()
    assert page.get_by_test_id("book-state").get_attribute("data-state") == "synced"


def test_the_connection_is_lost_and_regained(watch: Watch, venue: Venue) -> None:
    page = watch.open()
    place(page, "Buy", "1", "90")
    open_row(page, "90.0").wait_for()
    watch.lost_connections_expected = True
    venue.stop()
    page.get_by_test_id("banner").get_by_text("No connection.").wait_for()
    assert page.get_by_test_id("place").is_disabled()
    assert open_row(page, "90.0").get_by_role("button", name="Cancel").is_disabled()
    assert page.locator("main.offline").count() == 1

    venue.start()
    page.get_by_test_id("banner").wait_for(state="hidden")
    venue.order("bob", "sell", "0.25", "90")
    open_row(page, "0.25 / 1").wait_for()
    page.locator('.level.own[data-price="90.0"]').get_by_text("0.750").first.wait_for()
    place(page, "Buy", "1", "89")
    open_row(page, "89.0").wait_for()


def test_a_phone_has_one_column_and_everything_works(watch: Watch) -> None:
    page = watch.open(width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    boxes = [
        page.get_by_role("region", name=name, exact=True).bounding_box()
        for name in ("Candles", "Order", "Ladder", "Trades")
    ]
    assert len({box["x"] for box in boxes}) == 1
    assert all(above["y"] + above["height"] <= below["y"] for above, below in pairwise(boxes))
    place(page, "Buy", "1", "80")
    cancel = open_row(page, "80.0").get_by_role("button", name="Cancel")
    cancel.wait_for()
    box = cancel.bounding_box()
    assert box["x"] + box["width"] <= 390
    for path in ("/#/events", "/#/system"):
        other = watch.open(path, width=390, height=844, is_mobile=True)
        other.locator("h1").wait_for()
        assert other.evaluate("document.documentElement.scrollWidth") == 390
    docs = watch.page("/docs", width=390, height=844, is_mobile=True)
    docs.locator("h1").wait_for()
    assert docs.evaluate("document.documentElement.scrollWidth") == 390


def test_colours_follow_the_system_until_they_are_chosen(watch: Watch) -> None:
    page = watch.open(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-theme=dark]").wait_for()
    dark = page.evaluate(background)
    assert sum(map(int, light[4:-1].split(","))) > 3 * 200 > 3 * 60 > sum(map(int, dark[4:-1].split(",")))
    page.keyboard.press("t")
    assert page.evaluate(background) == light
    page.reload()
    page.locator("html[data-theme=light]").wait_for()


def test_keys_reach_everything(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("eth")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="ETH-USD").first.wait_for()
    assert page.evaluate("location.hash") == "#/trade/ETH-USD"
    page.keyboard.press("s")
    assert page.evaluate("document.activeElement.id") == "ticket-quantity"
    page.keyboard.type("1.5")
    page.keyboard.press("ArrowUp")
    assert page.get_by_label("Quantity", exact=True).input_value() == "1.51"
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.keyboard.type("10.02")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    open_row(page, "ETH-USD", "buy", "10.02").wait_for()
    page.keyboard.press("Escape")
    for key in "[[]":
        page.keyboard.press(key)
    assert page.get_by_role("button", name="1m", exact=True).get_attribute("aria-pressed") == "true"
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keys").wait_for(state="detached")
    page.keyboard.press("3")
    page.get_by_role("heading", name="System").wait_for()
    page.keyboard.press("1")
    page.get_by_role("region", name="Ladder").wait_for()


def test_live_is_said_once_there_is_something_to_see(watch: Watch) -> None:
    page = watch.page("/docs")
    held: list[Any] = []
    page.route("**/instruments", lambda route: held.append(route))
    page.goto(watch.venue.address + "/")
    link = page.get_by_test_id("link")
    link.get_by_text("loading").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("eth")
    page.get_by_role("dialog", name="Choose a market").get_by_text("Loading…").wait_for()
    eventually(page, lambda: held != [])
    held[0].continue_()
    page.get_by_role("option", name="ETH-USD").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="ETH-USD").first.wait_for()
    link.get_by_text("live").wait_for()


def test_an_event_shows_probabilities_and_is_settled(watch: Watch, venue: Venue) -> None:
    venue.order("bob", "buy", "10", "0.60", "Rain tomorrow/Yes")
    venue.order("bob", "buy", "10", "0.30", "Rain tomorrow/No")  # the same as selling Yes at 0.70
    page = watch.open("/#/events")
    card = page.locator('[data-event="Rain tomorrow"]')
    card.locator('[data-outcome="Yes"]').get_by_text("65.0 %").wait_for()
    card.locator('[data-outcome="No"]').get_by_text("35.0 %").wait_for()

    card.get_by_role("textbox", name="Full sets").fill("7")
    card.get_by_role("button", name="Mint").click()
    page.get_by_test_id("notices").get_by_text("Minted 7 of Rain tomorrow").wait_for()
    money = venue.balance("alice", "USD")
    card.get_by_label("Settle for").select_option("Yes")
    card.get_by_role("button", name="Settle").click()
    card.get_by_role("button", name="Really: Yes pays, the rest is worth nothing").click()
    page.get_by_test_id("notices").get_by_text("Rain tomorrow is settled: Yes pays 1").wait_for()
    card.get_by_text("settled", exact=True).wait_for()
    assert card.get_by_role("button", name="Settle").count() == 0
    assert venue.balance("alice", "USD") - money == Decimal(7)
    assert page.locator('[data-event="Snow in June"]').get_by_text("open", exact=True).count() == 1


def test_the_system_page_tells_of_the_machine(watch: Watch, venue: Venue) -> None:
    venue.order("bob", "buy", "1", "40")
    page = watch.open("/#/system")
    page.get_by_test_id("shards").locator("tbody tr").first.wait_for()
    page.get_by_test_id("latencies").locator("tbody tr").filter(has_text="total").wait_for()
    page.get_by_role("region", name="Orders a second").wait_for()
    assert page.get_by_text("os", exact=True).count() == 1


def test_a_market_that_is_not_there_has_no_figures(page: Any, venue: Venue) -> None:
    venue.order("bob", "sell", "1", "100")
    venue.order("alice", "buy", "1", "100")
    page.get_by_test_id("last-price").filter(has_text="100.0").wait_for()
    page.evaluate("location.hash = '#/trade/NOPE'")
    page.get_by_text("There is no market NOPE here.").wait_for()
    assert not any(digit.isdigit() for digit in page.get_by_test_id("last-price").inner_text())


def test_an_address_that_makes_no_sense_is_no_empty_page(watch: Watch) -> None:
    page = watch.open("/#/trade/%")
    page.get_by_role("button", name="BTC-USD").first.wait_for()


def test_nothing_moves_by_itself(page: Any, venue: Venue) -> None:
    page.evaluate(
        """() => {
            window.shifts = [];
            const named = (source) => source.node?.className ?? source.node?.nodeName;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    // Notices lie over the page, and make room for one another.
                    const isNotice = entry.sources.every((source) => source.node?.closest?.(".notices"));
                    if (!entry.hadRecentInput && !isNotice) {
                        window.shifts.push([entry.value, entry.sources.map(named)]);
                    }
                }
            }).observe({type: "layout-shift"});
        }"""
    )
    for step in range(10):
        venue.order("bob", "sell", "1", str(500 - step))
        venue.order("alice", "buy", "1" if step % 2 else "0.5", str(500 - step))
    page.get_by_test_id("tape").locator("li").filter(has_text="491.0").first.wait_for()
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < 0.02, shifts


def test_the_api_is_described_and_can_be_tried(watch: Watch) -> None:
    page = watch.page("/docs")
    route = page.get_by_role("article", name="GET /book/{pair}")
    route.get_by_role("button", name="Try it").click()
    route.locator(".try input").first.fill("BTC-USD")
    route.get_by_role("button", name="Send").click()
    route.get_by_text('"last_update_id"').wait_for()
    assert route.locator(".tried .status").inner_text() == "200"
    page.get_by_label("Find an operation").fill("candles")
    page.get_by_role("article", name="GET /book/{pair}").wait_for(state="detached")
    assert page.get_by_role("article", name="GET /candles/{pair}").count() == 1

"""Pictures of the dashboard for the docs: `make screenshots`.

Starts a demo server, lets it trade for a while, trades a little itself through the page, and writes
docs/images/dashboard-{dark,light,phone,events,system}.png. It needs Debian's chromium and what
tests/browser/requirements.txt lists.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
]
MAX_BYTES = 300_000


def started(port: int) -> subprocess.Popen[bytes]:
    """A demo server that is ready."""
    command = [sys.executable, "-m", "aeromatch", "serve", "--demo", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit("the demo server did not get ready")


def trade(page: Any) -> None:
    """Some orders of one's own: two that rest and one that is filled at once."""
    for side, row in (("Buy", 3), ("Sell", 4)):
        page.get_by_role("button", name=side, exact=True).click()
        page.get_by_label("Quantity", exact=True).fill("0.25")
        rows = page.locator(f".level.{side.lower()}")
        rows.nth(row if side == "Buy" else rows.count() - 1 - row).click()
        page.get_by_test_id("place").click()
        page.wait_for_timeout(400)
    page.get_by_role("button", name="Buy", exact=True).click()
    page.get_by_label("Type").select_option("market")
    page.get_by_label("Quantity", exact=True).fill("0.1")
    page.get_by_test_id("place").click()
    page.wait_for_timeout(400)
    page.get_by_label("Type").select_option("limit")
    page.get_by_label("Quantity", exact=True).fill("0.5")
    page.locator(".level.buy").nth(1).click()


def save(page: Any, name: str) -> None:
    """Writes a picture of what the window shows, as small as it gets without losing anything."""
    path = IMAGES / f"dashboard-{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(IMAGES.parent.parent)}: {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"{path.name} is larger than {MAX_BYTES:,} bytes")


def take(browser: Any, address: str) -> None:
    """All pictures."""

    def opened(path: str, scheme: str = "dark", width: int = 1440, height: int = 900, **more: Any) -> Any:
        page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more).new_page()
        page.goto(address + path)
        page.get_by_test_id("link").get_by_text("live").wait_for()
        page.wait_for_timeout(2500)
        return page

    page = opened("/")
    page.get_by_role("button", name="1s", exact=True).click()
    trade(page)
    page.locator("[data-testid=book-state][data-verified=true]").wait_for()
    page.wait_for_timeout(7000)  # until the notices are gone
    save(page, "dark")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.wait_for_timeout(500)
    save(page, "light")
    phone = opened("/", width=390, height=844, device_scale_factor=2, is_mobile=True)
    phone.get_by_role("button", name="1s", exact=True).click()
    phone.wait_for_timeout(1000)
    save(phone, "phone")
    save(opened("/#/events", height=520), "events")
    system = opened("/#/system", height=860)
    system.wait_for_timeout(30_000)
    save(system, "system")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Pictures of the dashboard for the docs.")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the market trades before")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed (Debian: apt install chromium)")
    server = started(arguments.port)
    try:
        time.sleep(arguments.minutes * 60)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
            take(browser, f"http://127.0.0.1:{arguments.port}")
            browser.close()
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()

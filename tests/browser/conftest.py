"""A real browser on a real server: Debian's Chromium, driven by Playwright, and aeromatchd as a process.

These tests belong to `make test-clients`. They are left out of a run that names no tests, as `make test` is one.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.browser.venue import Venue, Watch

from aeromatch.server.pages import STATIC, Pages

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # This machine by a name that a browser trusts no more than any other's.
    "--host-resolver-rules=MAP venue.test 127.0.0.1",
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the browser alone where nobody asked for it."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason="runs in `make test-clients`"))


def missing(what: str) -> NoReturn:
    """Skips, or fails where nothing may be skipped (AEROMATCH_NO_SKIP)."""
    if os.environ.get("AEROMATCH_NO_SKIP"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, once for all tests."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium is not installed")
    if not Pages(STATIC).is_built:
        missing("the dashboard is not built: `make dashboard`")
    try:
        # By name: who checks types need not have it.
        sync_api = importlib.import_module("playwright.sync_api")
    except ImportError:
        missing("playwright is not installed: pip install -r tests/browser/requirements.txt")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def venue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A server that is asked nothing but what a test asks."""
    request.getfixturevalue("browser")  # without one, no server is needed
    running = Venue(tmp_path_factory.mktemp("venue"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def watch(browser: Any, venue: Venue) -> Iterator[Watch]:
    """Opens pages, and in the end looks at what they complained about and whom they asked."""
    venue.clear()
    watching = Watch(browser, venue)
    yield watching
    watching.close()
    assert watching.faults == []
    assert watching.foreign == []


@pytest.fixture
def page(watch: Watch) -> Any:
    """The trade page, live, in a window of a desk's size."""
    return watch.open()

"""What the documents show runs, and prints what they say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)
WITH_CODE = [
    path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if BLOCK.search(path.read_text())
]


def test_documents_with_code_are_found() -> None:
    assert {"README.md", "order-types.md"} <= {path.name for path in WITH_CODE}


@pytest.mark.parametrize("document", WITH_CODE, ids=[path.name for path in WITH_CODE])
def test_code_in_documents_runs_and_prints_what_they_say(document: Path) -> None:
    text = document.read_text()
    names: dict[str, object] = {"__name__": document.stem}
    for block in BLOCK.finditer(text):
        code, expected = block.groups()
        line = text[: block.start()].count("\n") + 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # The blank lines give messages the document's own line numbers.
            exec(compile("\n" * line + code, str(document), "exec"), names)
        assert printed.getvalue() == (expected or ""), f"{document.name}, line {line}"

"""Keeps the tree tidy: what CONTRIBUTING.md asks for and a machine can see."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES = 700
# What programs made of something else in the tree; tests make it anew and compare.
GENERATED = re.compile(r"/generated/\w+_pb2\.pyi?$")
FUNCTION_LINES = 80

# A module may import what stands in an earlier row, and its own package. Rows name packages below src/aeromatch;
# "" is aeromatch/__init__.py, the public API.
LAYERS = (
    {"_core"},
    {"market"},
    {"aio"},
    {""},
    {"schema"},
    {"analytics", "client", "cluster", "gateways", "lab", "replay", "stores"},
    {"bench"},
    {"server"},
    {"cli"},
    {"__main__"},
)
CRATE_LAYERS = ("aeromatch-engine", "aeromatch-itch", "aeromatch-runtime", "aeromatch-lab", "aeromatch-python")

# What the engine must not know (it is a pure state machine): the clock, threads, I/O, floats, hash order.
IMPURE = re.compile(
    r"\b(SystemTime|Instant|std::thread|std::fs|std::io|std::net|std::env|RandomState|f32|f64)\b"
    r"|(HashMap|HashSet)::(new|with_capacity)\b"  # seeded at random; one with a fixed hasher is made by default()
)
PURE_SOURCES = "crates/engine/src/"

# The C interfaces are the benchmark's (abi, interface), Python's memory (buffer) and the allocator's (counting).
UNSAFE_FILES = re.compile(
    r"(^|/)(ring|intake|cell|pool|record|platform|prefetch|skiplist|interface|abi|buffer|counting)(/|\.rs$)"
)
# Not the type of a function pointer, nor an attribute like #[unsafe(no_mangle)]: neither does anything by itself. Not
# a method of a trait: the trait states its contract, and the blocks inside argue for themselves.
UNSAFE_USE = re.compile(r"^(?!\s+unsafe fn )(?:.*)\bunsafe\b(?!\(| (?:extern \"\" )?fn\()")

# The rules of docs/rules.md that are in force: each has a test that names it.
RULES = tuple(range(1, 34))

# Written in halves so that this file does not match itself.
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/" + r"(?:work|root|home|tmp|Users|mnt)/|[A-Z]:\\" + r"Users")
LEFTOVERS = re.compile(
    "|".join(
        "".join(halves)
        for halves in (
            ("todo", "!"),
            ("unimplemented", "!"),
            ("NotImplemented", "Error"),
            ("FIX", "ME"),
            ("TO", "DO\\b"),
            ("type: ", "ignore"),
            ("no", "qa"),
            (r"dbg", r"!\("),
            (r"<<<<", r"<<<"),
        )
    )
)
TEXT_SUFFIXES = {".py", ".pyi", ".rs", ".toml", ".md", ".txt", ".lock", ".sh", ".h", ".cpp", ".yml", ".yaml", ""}
PAGE_SUFFIXES = {".ts", ".tsx", ".css", ".html", ".json"}


def tracked(*suffixes: str) -> list[Path]:
    """The files that git tracks or would (ignored ones left out), by suffix; all text files if none is given."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    wanted = suffixes or (*TEXT_SUFFIXES, *PAGE_SUFFIXES)
    paths = [ROOT / name for name in listed.split("\0") if name]
    return sorted(path for path in paths if path.suffix in wanted and path.is_file())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rust_code_lines(source: str) -> Iterator[tuple[int, str]]:
    """Line numbers and lines without comments and string literals; good enough for rustfmt's output."""
    for number, line in enumerate(source.splitlines(), 1):
        code = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
        yield number, code.split("//")[0]


def test_the_tree_is_seen() -> None:
    names = {name_of(path) for path in tracked()}
    assert {"pyproject.toml", "Makefile", "README.md", "crates/engine/src/lib.rs"} <= names


def test_modules_are_short() -> None:
    # Not stubs: one describes a whole native module, and is read by its entries.
    files = [path for path in tracked(".py", ".rs", ".ts", ".tsx") if not GENERATED.search(name_of(path))]
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def python_functions(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            # A docstring is documentation: it does not count.
            docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def rust_functions(source: str) -> Iterator[tuple[str, int]]:
    """Names and lengths of functions, by rustfmt's layout: one ends where a brace closes at its own indentation."""
    opened: list[tuple[str, int, str]] = []
    for number, line in rust_code_lines(source):
        if match := re.match(r"(\s*)(?:[\w()]+ )*fn (\w+)", line):
            opened.append((match[2], number, match[1] + "}"))
        if opened and line.rstrip() == opened[-1][2]:
            name, start, _ = opened.pop()
            yield name, number - start + 1


def test_functions_are_short() -> None:
    long: dict[str, int] = {}
    for path in tracked(".py", ".rs"):
        functions = python_functions if path.suffix == ".py" else rust_functions
        for function, lines in functions(path.read_text()):
            if lines > FUNCTION_LINES:
                long[f"{name_of(path)}:{function}"] = lines
    assert long == {}


def layer_of(package: str) -> int:
    for layer, packages in enumerate(LAYERS):
        if package in packages:
            return layer
    raise AssertionError(f"aeromatch.{package} has no place in LAYERS: decide what it may import")


def imported_packages(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    """The packages below aeromatch that a module of `package` imports, "" for aeromatch itself."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            names = [".".join((*base, *([node.module] if node.module else [])))]
            if names == ["aeromatch"]:
                names = [f"aeromatch.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "aeromatch":
                submodule = parts[1] if len(parts) > 1 else ""
                below = ROOT / "src" / "aeromatch" / submodule
                is_module = submodule == "_core" or below.is_dir() or below.with_suffix(".py").is_file()
                yield submodule if submodule and is_module else ""


def test_python_imports_go_one_way() -> None:
    wrong = []
    for path in tracked(".py"):
        name = name_of(path)
        if not name.startswith("src/aeromatch/"):
            continue
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        own = parts[1] if parts[1] != "__init__" else ""
        for other in imported_packages(ast.parse(path.read_text()), parts[:-1]):
            if other != own and layer_of(other) >= layer_of(own):
                wrong.append(f"{name} imports aeromatch.{other}".rstrip("."))
    assert wrong == []


def test_crates_depend_one_way() -> None:
    wrong = []
    for path in tracked(".toml"):
        if path.name != "Cargo.toml":
            continue
        manifest = tomllib.loads(path.read_text())
        own = manifest.get("package", {}).get("name")
        if own not in CRATE_LAYERS:
            continue
        used = manifest.get("dependencies", {}).keys() & set(CRATE_LAYERS)
        wrong += [f"{own} uses {other}" for other in used if CRATE_LAYERS.index(other) >= CRATE_LAYERS.index(own)]
    assert wrong == []


def test_the_engine_is_pure() -> None:
    found = []
    for path in tracked(".rs"):
        if not name_of(path).startswith(PURE_SOURCES):
            continue
        source = path.read_text().split("#[cfg(test)]")[0]
        for number, code in rust_code_lines(source):
            if match := IMPURE.search(code):
                found.append(f"{name_of(path)}:{number}: {match[0]}")
    assert found == []


def is_argued(lines: list[str], number: int) -> bool:
    """Whether an `unsafe` in line `number` has a SAFETY comment on it, or in the comment block above its statement."""
    if "SAFETY:" in lines[number - 1]:
        return True
    for line in reversed(lines[: number - 1]):
        stripped = line.strip()
        if "SAFETY:" in stripped or "# Safety" in stripped:
            return True
        if not stripped or (stripped.endswith((";", "{", "}")) and not stripped.startswith(("//", "#["))):
            return False
    return False


def test_unsafe_is_named_for_and_argued() -> None:
    wrong = []
    for path in tracked(".rs"):
        source = path.read_text()
        for number, code in rust_code_lines(source):
            if not re.search(r"\bunsafe\b", code):
                continue
            place = f"{name_of(path)}:{number}"
            if not UNSAFE_FILES.search(name_of(path)):
                wrong.append(f"{place}: unsafe in a module that is not named for it")
            if UNSAFE_USE.search(code) and not is_argued(source.splitlines(), number):
                wrong.append(f"{place}: unsafe without a SAFETY comment")
    assert wrong == []


def test_nothing_names_a_machine() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := MACHINE_PATHS.search(line):
                found.append(f"{name_of(path)}:{number}: {match[0]}")
    assert found == []


def test_nothing_is_left_over() -> None:
    found = []
    for path in tracked(".py", ".pyi", ".rs", ".ts", ".tsx", ".toml", ".md"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := LEFTOVERS.search(line):
                found.append(f"{name_of(path)}:{number}: {match[0]}")
    assert found == []


def test_dependencies_are_pinned_without_hosts() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(w for extra in project["optional-dependencies"].values() for w in extra)]
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in wanted}
    assert names - {"aeromatch"} - pinned == set()

    sources = set(re.findall(r'^source = "(.*)"$', (ROOT / "Cargo.lock").read_text(), re.MULTILINE))
    assert sources <= {"registry+https://github.com/rust-lang/crates.io-index"}

    # npm's own lock file names where each package came from, unless it is told not to (dashboard/.npmrc).
    assert '"resolved"' not in (ROOT / "dashboard" / "package-lock.json").read_text()


def anchors(markdown: str) -> set[str]:
    headings = re.findall(r"^#+ +(.*)$", re.sub(r"```.*?```", "", markdown, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_in_documents_resolve() -> None:
    broken = []
    for path in tracked(".md"):
        text = path.read_text()
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            if not linked.exists() or (anchor and anchor not in anchors(linked.read_text())):
                broken.append(f"{name_of(path)}: {target}")
    assert broken == []


def test_files_named_in_documents_exist() -> None:
    file = re.compile(r"`((?:src|crates|tests|tools|docs|benchmarks|examples)/[\w./-]+)`")
    mentions = [(name_of(path), mentioned) for path in tracked(".md") for mentioned in file.findall(path.read_text())]
    assert [mention for mention in mentions if not (ROOT / mention[1]).exists()] == []


def test_documents_named_in_sources_exist() -> None:
    document = re.compile(r"(?<![\w./-])((?:[\w-]+/)*[\w-]+\.md)\b")
    documents = set(tracked(".md"))
    mentions = [(name_of(p), named) for p in tracked(".py", ".pyi", ".rs") for named in document.findall(p.read_text())]
    assert [mention for mention in mentions if not {ROOT / mention[1], ROOT / "docs" / mention[1]} & documents] == []


def test_every_rule_has_a_test_that_names_it() -> None:
    named: set[int] = set()
    for path in tracked(".py", ".rs"):
        if "tests" in path.parts and path != Path(__file__).resolve():
            named |= {int(n) for n in re.findall(r"(?:def|fn) test_[Rr](\d+)_", path.read_text())}
    assert set(RULES) - named == set()


def test_every_rule_in_force_is_documented() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    assert {int(n) for n in re.findall(r"^- \*\*R(\d+)\b", text, re.MULTILINE)} == set(RULES)

"""Rules about the code that no linter has. Each was prose somewhere, and drifted there."""

import ast
import json
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lepta
from lepta.http.openapi import describe
from lepta.main import create_app
from lepta.names import LANGUAGES
from lepta.rules import kinds
from lepta.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGE = Path(lepta.__file__).parent
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_MODULE = 400


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    """(path below the package, syntax tree, text) of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(text), text


def using(pattern: str) -> set[str]:
    """Modules whose code, comments and docstrings aside, matches."""
    found = set()
    for name, tree, _ in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""
        if re.search(pattern, ast.unparse(tree)):
            found.add(name)
    return found


def test_only_the_writer_and_db_commit() -> None:
    inside = {name for name in using(r"\bCOMMIT\b|\.commit\(\)") if not name.startswith("bench/")}
    assert inside == {"processing/writer.py"}


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree, _ in modules() if not ast.get_docstring(tree)] == []


def test_a_package_file_holds_its_docstring_and_listing_tuples_only() -> None:
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    for name, tree, _ in modules():
        if name.endswith("__init__.py"):
            assert all(isinstance(node, allowed) for node in tree.body), name


def test_no_module_and_no_function_is_too_long() -> None:
    long = []
    for name, tree, text in modules():
        if text.count("\n") > MOST_LINES_OF_A_MODULE:
            long.append(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{name}: {node.name}")
    assert long == []


def test_every_rule_kind_module_is_listed() -> None:
    on_disk = {module.name for module in pkgutil.iter_modules(kinds.__path__)}
    listed = {kind.gives.__module__.rsplit(".", 1)[1] for kind in kinds.ALL}
    assert on_disk == listed


def test_every_language_has_its_file() -> None:
    on_disk = {path.stem for path in (PACKAGE / "receipts" / "languages").glob("*.toml")}
    assert on_disk == set(LANGUAGES)


def test_settings_alone_read_the_environment() -> None:
    assert using(r"os\.environ|os\.getenv") <= {
        "settings.py",
        "bench/service.py",
        "postgres/launch.py",
    }


def test_nobody_decides_by_the_clock() -> None:
    pure = ("rules/", "ledger/", "log/", "receipts/")
    decided = {
        "accounting", "adjusting", "canonical", "decide", "events", "giving", "leaf", "outcome", "recognition", "seen", "sight",
        "state", "verdict", "counter_entries", "proration", "purse", "release", "reversal", "reversed", "taken",
        "held", "holding",
    }  # fmt: skip
    clock = using(r"datetime\.now\(|date\.today\(|time\.time\(|perf_counter\(|monotonic\(")
    assert [name for name in clock if name.startswith(pure)] == []
    assert [name for name in clock if name in {f"processing/{each}.py" for each in decided}] == []


def _uses_floats(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        for node in ast.walk(tree)
    )


def test_no_float_is_near_money_or_points() -> None:
    pure = ("rules/", "ledger/", "processing/", "money.py")
    floats = {name for name, tree, _ in modules() if name.startswith(pure) and _uses_floats(tree)}
    # Seconds to wait for a database are no money, and a float in a document is known there to be refused.
    waiting = {"processing/writer.py", "processing/waiting.py", "processing/ahead.py"}
    assert floats == waiting | {"rules/fields.py", "rules/refusals.py"}


def test_the_published_description_is_the_code() -> None:
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1/none"))
    published = json.loads((ROOT / "openapi" / "lepta.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(describe(app))), "run `make openapi`"


def test_no_file_names_a_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"uv.lock", "pylock.toml"} & {Path(name).name for name in tracked}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert lock.count("--hash=sha256:") > 100

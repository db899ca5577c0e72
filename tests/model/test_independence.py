"""The simple model is worth something only as long as it is not the service's own arithmetic."""

import ast
import sys
from pathlib import Path

MODULES = sorted(Path(__file__).parent.glob("simple_*.py"))


def test_the_model_knows_nothing_but_itself_and_the_standard_library() -> None:
    known = sys.stdlib_module_names | {path.stem for path in MODULES}
    imported = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
    assert len(MODULES) > 5
    assert imported <= known

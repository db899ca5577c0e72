"""The documentation of the rule language: every example on its pages comes out as the page says."""

import re
from pathlib import Path

import pytest

import pages
from lepta.rules import kinds

README = pages.FOLDER.parents[1] / "README.md"


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.stem)
def test_every_example_comes_out_as_its_page_says(page: Path) -> None:
    shown = pages.examples(page)
    assert any(example.sales for example in shown), "a page shows at least one sale"
    for example in shown:
        pages.run(example)


def test_every_effect_form_has_a_page() -> None:
    assert {kind.name for kind in kinds.ALL} <= {page.stem for page in pages.pages()}


def test_the_index_names_every_page_and_the_readme_the_index() -> None:
    linked = re.findall(r"\]\(([a-z-]+)\.md\)", pages.INDEX.read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(page.stem for page in pages.pages())
    assert "docs/rules/README.md" in README.read_text(encoding="utf-8")

"""Other projects' worked cases come out here as they do there, or a reason says why not."""

from collections import Counter

import pytest

import peers


@pytest.mark.parametrize("case", [pytest.param(c, id=c["case"]) for _, c in peers.cases()])
def test_it_comes_out_as_it_does_there(case: peers.Case) -> None:
    assert peers.result(case) == case["expected"]


def test_every_case_is_either_reproduced_or_has_a_reason() -> None:
    ours = [case["case"] for _, case in peers.cases()]
    said = Counter([*ours, *(case for case, _, _ in peers.left_out())])
    assert set(said) == set(peers.index())
    assert [case for case, times in said.items() if times > 1] == []
    assert len(peers.index()) == 142


def test_each_says_what_happens_there_and_how_it_is_said_here() -> None:
    allowed = {
        "case", "there", "here", "instead", "programme", "campaigns", "balance", "before", "sale",
        "split", "expected", "shopper", "returns",
    }  # fmt: skip
    for _, case in peers.cases():
        assert case.keys() <= allowed, case["case"]
        assert {"there", "here", "expected"} <= case.keys(), case["case"]
        assert case["expected"], case["case"]


def test_the_page_says_what_the_cases_say() -> None:
    written = peers.PAGE.read_text(encoding="utf-8")
    assert written == peers.page(), "write it anew: .venv/bin/python tests/peers.py"

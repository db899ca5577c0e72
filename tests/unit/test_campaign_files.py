"""Campaign files: what YAML would quietly make something else of is refused with its place and a remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.commands.applying import refuse_twice
from lepta.commands.documents import Written, WrongFile, parsed, read


def written(folder: Path, text: str, name: str = "spring.yaml") -> list[Written]:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read(file)


def test_documents_are_read_with_the_lines_of_their_parts(tmp_path: Path) -> None:
    text = "campaign: a\neffect:\n  earn:\n    points: 5\n---\n---\ncampaign: b\nfunding:\n- {party: x}\n- {party: y}\n"
    first, second = written(tmp_path, text)
    assert first.document == {"campaign": "a", "effect": {"earn": {"points": 5}}}
    places = {path: first.place(path) for path in ("", "effect.earn.points", "effect.to.fund")}
    assert places == {
        "": f"{tmp_path}/spring.yaml, document 1, line 1",
        "effect.earn.points": f"{tmp_path}/spring.yaml, document 1, line 4",
        "effect.to.fund": f"{tmp_path}/spring.yaml, document 1, line 2",
    }
    assert second.place("funding.1.party").endswith("document 3, line 10")
    assert second.place("funding.7.party").endswith("document 3, line 8")


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n---\n---\n"])
def test_a_file_without_documents_holds_none(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("campaign: a\nlimits: {}\nlimits: {per_card: 1}", 'line 3, column 1: "limits" stands twice: keep one'),
        ("campaign: a\nlimits:\n  per_card: 1\n  per_card: 2", 'line 4, column 3: "per_card" stands twice'),
        ("campaign: a\n---\na: &x [1]\nb: *x", "document 2, line 4, column 4: the alias *x: write out"),
        ("campaign: a\na: &x [*x]", "line 2, column 8: the alias *x: write out"),
        ("campaign: a\na: &b {c: 1}\nd: {<<: *b}", "line 3, column 9: the alias *b: write out"),
        ("campaign: a\nb: " + "[" * 10_000, "nested deeper than 32 levels: unfold it"),
        ("campaign: a\nlimits: {per_card: .inf}", "line 2, column 20: .inf is no number: leave it out"),
        ("campaign: a\nlimits: {per_card: .NaN}", "line 2, column 20: .NaN is no number: leave it out"),
        ("campaign: a\nactive: {from: 2026-02-31}", "line 2, column 16: 2026-02-31 cannot be read: put it in quotes"),
        ("campaign: a\nb: " + "9" * 5_000, "line 2, column 4: 9999999999999999999999999999999999999999 cannot be read"),
        ("campaign: a\nb: !!timestamp x", "x cannot be read: put it in quotes"),
        ("campaign: a\n? [1]\n: 2", "line 2, column 3: a key is a name: write a text"),
        ("campaign: a\nb: !!python/object:os.system x", "correct it, or quote what is a text"),
        ("campaign: a\nb: \x01", "is not YAML: unacceptable character #x0001"),
        ("campaign: a\nb: '", "line 2, column 5: found unexpected end of stream: correct it"),
        ("- campaign: a", "line 1 holds no campaign: begin with `campaign: its-id`"),
        ("campaign: a\n---\n\nkind: bonus", "document 2, line 4 holds no campaign"),
        ("just words", "line 1 holds no campaign"),
    ],
)  # fmt: skip
def test_what_yaml_would_quietly_change_is_refused(tmp_path: Path, text: str, refusal: str) -> None:
    with pytest.raises(WrongFile) as refused:
        written(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path}/spring.yaml")
    assert refusal in str(refused.value)


def test_a_laughing_billion_is_refused_before_it_is_told(tmp_path: Path) -> None:
    lines = ["campaign: a", "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(WrongFile, match=r"line 3, column 10: the alias \*l0"):
        written(tmp_path, "\n".join(lines))


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_bytes("campaign: ёлка".encode("cp1251"))
    with pytest.raises(WrongFile, match=r"old\.yaml is not UTF-8 .*: save it in that encoding"):
        read(file)


def test_a_campaign_that_stands_in_two_places_is_refused(tmp_path: Path) -> None:
    first = written(tmp_path, "campaign: a\n---\ncampaign: b", "one.yaml")
    second = written(tmp_path, "campaign: c\n---\nkind: bonus\ncampaign: b", "two.yaml")
    with pytest.raises(WrongFile, match=r"b stands in .*one\.yaml, document 2, line 3 and in .*two\.yaml, document 2, line 4: keep one"):  # fmt: skip
        refuse_twice([*first, *second])
    refuse_twice(first)


@given(st.text("ab:{}[]&*<!?|>-'\"#%@`,\n .0123~", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parsed(Path("spring.yaml"), "campaign: a\n" + text)
    except WrongFile as refusal:
        found, said = [], str(refusal)
    else:
        said = ""
    assert all("campaign" in one.document for one in found)
    assert all(place.startswith("spring.yaml") for place in (said, *(one.place("") for one in found)) if place)  # fmt: skip
    assert found or said

"""Pages of documentation that run: their fenced blocks read, and their sales put through the rules.

A block's first line says what it is: ```` ```yaml campaign ````. An example begins with a `campaign` block (several
documents with `---` between them); each `sale` after it is followed by its `result`. Sales of one example come
one after the other, so limits run out. A `return` of some of the last sale's lines is followed by the `result` that says
what goes `back` with them, points or money by campaign. `refused` lists changes of the example's first campaign that are refused,
perhaps because funds are `closed`, or what a programme may not say.
A `programme` block changes the programme for all that follows on the page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import make_rules as make
from lepta.campaigns.compile import check_campaign, check_programme
from lepta.errors import DomainError
from lepta.names import NBSP, Name
from lepta.receipts.template import BONUS_VARIABLES, DONATION_VARIABLES, Values, compile_template
from lepta.rules import engine, explanation, redemption
from lepta.rules.effects import Donate, Earn, Effect
from lepta.rules.facts import Facts, Shopper
from lepta.rules.limits import Counter
from lepta.rules.rulebook import Rulebook
from make_reversals import Ledger, ledger
from make_reversals import line as brought_back

FOLDER = Path(__file__).parents[1] / "docs" / "rules"
INDEX = FOLDER / "README.md"

FUNDS: dict[str, Any] = {
    "forest-animals": {
        "ru": {"nominative": "Фонд лесных животных", "dative": "Фонду лесных животных"},
        "en": "Forest Animals",
    },
    "children": {"ru": {"nominative": "Фонд детей", "dative": "Фонду детей"}, "en": "Children"},
    "school-1": {"ru": {"nominative": "Школа 1", "accusative": "Школу 1"}, "en": "School 1"},
    "school-17": {"ru": {"nominative": "Школа 17", "accusative": "Школу 17"}, "en": "School 17"},
}
"""Whom the pages' campaigns give to, as receipts name them."""

_CLOSED = date(2026, 11, 22)

_BLOCK = re.compile(r"^```yaml ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_SAID_ALWAYS = ("earned", "given", "offered", "flags")
"""What a result leaves out did not happen. Its other parts are compared where they are written."""


class Block(NamedTuple):
    """What a page says in one fence, and where."""

    word: str
    said: Any
    place: str


@dataclass
class Example:
    """Campaigns, and what is shown with them."""

    campaigns: list[dict[str, Any]]
    programme: dict[str, Any]
    sales: list[tuple[Block, Block]] = field(default_factory=list)
    returns: list[tuple[Block, Block, Block]] = field(default_factory=list)
    """Of which sale, what, and what goes back."""
    refused: list[Block] = field(default_factory=list)


def pages() -> list[Path]:
    """Every page but the index."""
    return sorted(page for page in FOLDER.glob("*.md") if page != INDEX)


def examples(page: Path) -> list[Example]:
    """The examples of a page, in order."""
    found: list[Example] = []
    programme: dict[str, Any] = {}
    blocks = iter(_blocks(page))
    for block in blocks:
        if block.word == "programme":
            programme = block.said[0]
        elif block.word == "campaign":
            found.append(Example(block.said, programme))
        elif block.word == "refused":
            found[-1].refused.append(block)
        else:
            assert block.word in {"sale", "return"}, (
                f"{block.place}: what is a {block.word!r} block?"
            )
            result = next(blocks, block)
            assert result.word == "result", f"{block.place}: it is followed by its result"
            if block.word == "sale":
                found[-1].sales.append((block, result))
            else:
                found[-1].returns.append((found[-1].sales[-1][0], block, result))
    return found


def run(example: Example) -> None:
    """Carry it out; fails where something comes out that the page does not say."""
    known = make.known(programmes={"club": make.programme(**example.programme)})
    for document in example.campaigns:
        check_campaign(document["campaign"], document, known)
    book = make.rulebook(*example.campaigns, club=example.programme)
    counts: dict[Counter, int] = {}
    members: set[str] = set()
    for sale, result in example.sales:
        facts = _facts(**sale.said[0])
        outcome = _outcome(book, facts, counts, members, sale.said[0])
        if facts.shopper:
            members.add(facts.shopper.ref)
        for counter, used in outcome.consumed:
            counts[counter] = counts.get(counter, 0) + used
        told = _told(book, facts, outcome)
        wanted = result.said[0]
        parts = {*wanted, *_SAID_ALWAYS}
        shown = {name: part for name, part in told.items() if name in parts and part}
        assert shown == wanted, result.place
    _bring_back(example, book)
    for block in example.refused:
        for refusal in block.said[0]:
            if "programme" in refusal:
                _refuse_programme(refusal, block.place)
                continue
            closing = dict.fromkeys(refusal.get("closed", ()), _CLOSED)
            those = replace(known, closing=closing, today=_CLOSED)
            _refuse(_merged(example.campaigns[0], refusal["change"]), refusal, those, block.place)


def _bring_back(example: Example, book: Rulebook) -> None:
    """Its returns, each after the ones before it of the same sale."""
    sold: dict[str, Ledger] = {}
    for sale, said, result in example.returns:
        made = sold.get(sale.place)
        if made is None:
            made = sold[sale.place] = ledger(book)
            lines = [{"line": n, **line} for n, line in enumerate(sale.said[0]["lines"], start=1)]
            made.sell(lines=lines)
        came = [
            brought_back(line["line"], line["quantity"], line["amount"])
            for line in said.said[0]["lines"]
        ]
        outcome = made.back(came).outcome
        back = {each.campaign: each.points for each in outcome.earned}
        back |= {each.campaign: each.money for each in outcome.donations if not each.kept}
        assert {"back": back} == result.said[0], result.place


def _blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, match.start()) + 1}"
        found.append(Block(match[1].strip(), list(yaml.safe_load_all(match[2])), place))
    return found


def _refuse_programme(refusal: dict[str, Any], place: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_programme({**make.PROGRAMME, **refusal["programme"]})
    _compare(refused, refusal, place)


def _refuse(document: dict[str, Any], refusal: dict[str, Any], known: Any, place: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_campaign(document["campaign"], document, known)
    _compare(refused, refusal, place)


def _compare(
    refused: pytest.ExceptionInfo[DomainError], refusal: dict[str, Any], place: str
) -> None:
    faults = refused.value.members.get("errors", [])
    said = [fault.get("reason", str(refused.value)) for fault in faults if fault["path"] == refusal["at"]]  # fmt: skip
    assert said, (place, faults)
    assert refusal["because"] in said[0], place


def _merged(document: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, anything else replaced; null takes a field away."""
    merged = dict(document)
    for name, said in change.items():
        old = merged.get(name)
        both = isinstance(said, dict) and isinstance(old, dict)
        merged[name] = _merged(old, said) if both and old is not None else said
    return {name: said for name, said in merged.items() if said is not None}


def _facts(**sale: Any) -> Facts:
    """A sale as a page writes it; with a card unless it says `card: false`, at noon unless it says when."""
    at = datetime.fromisoformat(sale.get("at", "2026-11-22 12:00")).replace(tzinfo=make.NOVOSIBIRSK)
    card = sale.get("card", True)
    shopper = {"ref": "ref-1", **(_tuples(card) if isinstance(card, dict) else {})}
    return make.facts(
        *(make.line(**line) for line in sale["lines"]),
        at=at,
        business_day=date.fromisoformat(str(sale.get("business_day", at.date()))),
        currency=sale.get("currency", "RUB"),
        store=make.store(**_tuples(sale.get("store", {}))),
        shopper=Shopper(**shopper) if card else None,
        choice=tuple(sale["choice"]) if "choice" in sale else None,
        gifts=tuple(make.gift(*said) for said in sale.get("gifts", ())),
        closed=tuple(sale.get("closed", ())),
    )


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _tuple(it) for name, it in said.items()}


def _tuple(said: Any) -> Any:
    return tuple(map(_tuple, said)) if isinstance(said, list) else said


def _outcome(
    book: Rulebook,
    facts: Facts,
    counts: Mapping[Counter, int],
    members: set[str],
    said: Mapping[str, Any],
) -> engine.Outcome:
    """`members`: those who have bought before; `said` may have points that the shopper holds."""
    programme = book.programme("club", facts.at)
    money = redemption.money_of(programme, said.get("redeem", 0))
    parts = redemption.over_lines(programme, facts.lines, money)
    net = [line.amount_minor - part for line, part in zip(facts.lines, parts, strict=True)]
    is_first = facts.shopper is not None and facts.shopper.ref not in members
    points = said.get("points", 0)
    return make.outcome(book, facts, counts, net=net, points=points, is_first=is_first)


def _told(book: Rulebook, facts: Facts, outcome: engine.Outcome) -> dict[str, Any]:
    """Everything that a result may speak of; zeros are left out."""
    effects = outcome.effects
    gifts = [e for e in effects if isinstance(e, Donate)]
    paid = [(f.party, _sum(f.points, f.money_minor)) for e in effects for f in e.funders]
    paid += [("shopper", _sum(e.shopper_points, e.shopper_money_minor)) for e in gifts]
    return {
        "earned": make.earned(outcome),
        "given": _summed([(e.fund, _sum(e.points, e.money_minor)) for e in gifts]),
        "paid": _summed(paid),
        "offered": {offer.campaign: offer.amount_minor or offer.points for offer in outcome.offers},
        "because": _reasons(book, facts, outcome),
        "receipt": _receipt(book, effects),
        "lots": {e.campaign: _lot(e, facts) for e in effects if isinstance(e, Earn)},
        "flags": list(outcome.flags),
    }


def _lot(earn: Earn, facts: Facts) -> dict[str, Any]:
    """How many days the points wait, and the last day on which they can be used."""
    day, expiry = facts.business_day, earn.expire_after
    last = expiry.last_day(day, day + timedelta(earn.pending_days)) if expiry else None
    return {"waits": earn.pending_days, "until": str(last) if last else "ever"}


def _sum(points: int, money: int) -> dict[str, int]:
    return {name: value for name, value in (("points", points), ("money", money)) if value}


def _summed(parts: list[tuple[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for name, part in parts:
        total = totals.setdefault(name, {})
        total |= {unit: total.get(unit, 0) + value for unit, value in part.items()}
    return {name: total for name, total in totals.items() if total}


def _reasons(book: Rulebook, facts: Facts, outcome: engine.Outcome) -> dict[str, str]:
    lines: dict[str, tuple[int, ...]] = {}
    for e in outcome.effects:
        lines[e.campaign] = e.given_for if isinstance(e, Donate) else tuple(n for n, _ in e.by_line)
    told = {}
    for number, code, argument in outcome.reasons:
        name = book.name_of(number)
        skus = [facts.lines[n].sku for n in lines.get(name, ())]
        told[name] = explanation.because(code, argument, skus, facts.currency, book.name_of)
    return told


def _receipt(book: Rulebook, effects: tuple[Effect, ...]) -> dict[str, list[str]]:
    """The campaign authors' sentences, for Пётр, by language."""
    said: dict[str, list[str]] = {}
    for effect in effects:
        campaign = book.campaign(effect.campaign)
        assert campaign
        gives = isinstance(effect, Donate)
        allowed = DONATION_VARIABLES if gives else BONUS_VARIABLES
        for code, text in campaign.receipt.items():
            told = compile_template(text, code, allowed).render(_values(effect))
            if told is not None:
                said.setdefault(code, []).append(told.replace(NBSP, " "))
    return said


def _values(effect: Effect) -> Values:
    gift = effect if isinstance(effect, Donate) else None
    return Values(
        programme=Name.of("Club"),
        points=effect.points,
        points_scale=0,
        money_minor=gift.money_minor if gift else None,
        currency="RUB",
        units=gift.applications if gift else None,
        fund=Name.of(FUNDS[gift.fund]) if gift else None,
        product=None,
        first_name="Пётр",
        gender="male",
    )

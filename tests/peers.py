"""Worked cases of other projects (tests/cases), said in our rule language and decided as sales are.

`python tests/peers.py` writes the table in docs/peer-cases.md anew.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

import make
import make_rules
from lepta.ledger import chart
from lepta.ledger.lots import expiring
from lepta.money import allocate
from lepta.processing.decide import Accepted
from lepta.processing.events import Checkout
from lepta.processing.recognition import Refused
from lepta.processing.sight import prepare, see
from lepta.processing.verdict import Verdict, judge
from lepta.rules.document import validate
from lepta.rules.effects import Earn
from lepta.rules.explanation import because
from lepta.rules.programme import compile_programme
from lepta.rules.redemption import spread
from lepta.rules.rulebook import Change, PublishedCampaign
from make_reversals import Ledger, line

FOLDER = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[1] / "docs" / "peer-cases.md"
TOPICS = (
    "accrual", "conditions", "visits", "sets", "steps", "limits", "goods", "stacking", "rounding", "allocation",
    "redemption", "expiry", "returns",
)  # fmt: skip

Case = dict[str, Any]

_WALLET = chart.available("m-pyotr", "PTS/club")
_OPENING = "opening-balance"
_INSTEAD = {
    "points": "*points worth what is taken off there:* ",
    "wallet": "*points that pay what is taken off there:* ",
}


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def cases() -> list[tuple[str, Case]]:
    """Every case that is reproduced, with its topic."""
    return [(topic, case) for topic in TOPICS for case in _read(topic)]


def index() -> dict[str, tuple[str, str]]:
    """Every case there is: its project, and what it is about there."""
    projects: dict[str, dict[str, list[str]]] = _read("index")
    return {
        case: (project, group)
        for project, groups in projects.items()
        for group, its in groups.items()
        for case in its
    }


def left_out() -> list[tuple[str, str, str]]:
    """(case, `later` or `differs`, reason) of every other."""
    return [
        (case, kind, said[kind])
        for said in _read("later")
        for kind in ("later", "differs")
        if kind in said
        for case in said["cases"]
    ]


def result(case: Case) -> dict[str, Any]:
    """What comes out, as far as the case says what to expect."""
    told = _parts(case["split"]) if "split" in case else _of_sale(case)
    return {name: told[name] for name in case["expected"]}


def _parts(split: Mapping[str, Any]) -> dict[str, Any]:
    amount, weights = split["amount"], split["weights"]
    if any(weights):
        return {"parts": allocate(amount, weights)}
    return {"parts": [-part for part in spread(sum(weights) - amount, weights)]}


def _of_sale(case: Case) -> dict[str, Any]:
    at = _shop(case)
    for n, sale in enumerate(case.get("before", ()), start=2):
        before = Ledger(at)
        before.sell(**_said(n, sale))
        if sale.get("void"):
            before.void()
    if "returns" in case:
        return _brought_back(case, at)
    event = _checkout(1000, case["sale"])
    verdict = None if "refused" in case["expected"] else _verdict(event, at)
    decision = make.decide(event, at)
    balance, lots = at.book.balance(_WALLET), expiring(at.book.lots_of(_WALLET), date.min, date.max)
    if isinstance(decision, Refused):
        return {"refused": decision.error.code, "balance": balance}
    assert isinstance(decision, Accepted), decision
    assert verdict is not None
    by_day = {str(day): points for day, points in lots}
    return {"balance": balance, "lots": by_day, **_told(at, decision, verdict)}


def _shop(case: Case) -> make.Shop:
    """The programme, a shopper with points from before the campaigns, and the campaigns."""
    programme, documents = case.get("programme", {}), case.get("campaigns", [])
    club = compile_programme("club", {**make.PROGRAMME, **programme})
    for document in documents:
        validate(document, make_rules.known(programmes={"club": club}))
    opening = [_opening(case["balance"])] if "balance" in case else []
    shopper = make.shopper()._replace(**case.get("shopper", {}))
    at = make.state(make.rulebook(*opening, programme=programme), [shopper])
    if opening:
        make.accepted(_checkout(1, {"lines": [[_OPENING, 1, 100]]}), at)
    items = [PublishedCampaign(d["campaign"], 1, None, d) for d in documents]
    at.rulebook = at.rulebook.extended(Change(tuple(items)).canonical())
    return at


def _opening(points: int) -> dict[str, Any]:
    earn = {"earn": {"points": points}}
    return {"campaign": _OPENING, "kind": "bonus", "what": {"skus": [_OPENING]}, "effect": earn}


def _brought_back(case: Case, at: make.Shop) -> dict[str, Any]:
    """The sale, and of each return of it, or void, what goes back."""
    made = Ledger(at)
    outcome = made.sell(**_said(1000, case["sale"])).recorded.outcome
    backs = [
        (made.void() if said == "void" else made.back([line(*each) for each in said])).outcome
        for said in case["returns"]
    ]
    return {
        "earned": outcome.points.earned,
        "redeemed": outcome.points.redeemed,
        "to_pay": outcome.to_pay,
        "back": [sum(earned.points for earned in each.earned) for each in backs],
        "restored": [each.restored for each in backs],
        "refund": [each.to_refund for each in backs],
        "balance": at.book.balance(_WALLET),
    }


def _checkout(sequence: int, sale: Mapping[str, Any]) -> Checkout:
    return make.checkout(**_said(sequence, sale))


def _said(sequence: int, sale: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        {"line": n, **said} if isinstance(said, dict) else _line(n, *said)
        for n, said in enumerate(sale["lines"], start=1)
    ]
    said = {name: part for name, part in sale.items() if name != "void"}
    return {**said, "sequence": sequence, "lines": lines}


def _line(number: int, sku: str, quantity: float, amount: int, *categories: str) -> dict[str, Any]:
    line = {"line": number, "sku": sku, "quantity": str(quantity), "amount": amount}
    return {**line, "categories": categories} if categories else line


def _verdict(event: Checkout, at: make.Shop) -> Verdict:
    shopper = at.shoppers.get(event.card) if event.card else None
    seen = see(event, at.records, shopper, at.rulebook)
    return judge(prepare(event, seen, at.rulebook), at.book, at.counts)


def _told(at: make.Shop, decision: Accepted, verdict: Verdict) -> dict[str, Any]:
    outcome, book = decision.recorded.outcome, at.rulebook
    return {
        "earned": outcome.points.earned,
        "by_campaign": {each.campaign: each.points for each in outcome.earned},
        "by_line": list(outcome.earned_by_line),
        "shared": {
            effect.campaign: [points for _, points in effect.by_line]
            for effect in verdict.result.effects
            if isinstance(effect, Earn)
        },
        "donated": {each.campaign: each.money for each in outcome.donations},
        "redeemed": outcome.points.redeemed,
        "to_pay": outcome.to_pay,
        "why": {
            book.name_of(why.campaign): because(why.code, why.argument, (), "RUB", book.name_of)
            for why in outcome.reasons
            if book.name_of(why.campaign) not in {each.campaign for each in outcome.earned}
        },
    }


def page() -> str:
    """docs/peer-cases.md."""
    return "\n".join([*_head(), *_reproduced(), *_others()])


def _head() -> Iterator[str]:
    known, ours, others = index(), cases(), left_out()
    instead = sum("instead" in case for _, case in ours)
    later = sum(kind == "later" for _, kind, _ in others)
    yield f"""# Other projects' worked cases

{len(known)} worked cases of {len({project for project, _ in known.values()})} other projects (shops, tills, loyalty services), told in our own words, with their figures. {len(ours)} are
reproduced: each is a sale and documents in `tests/cases`, decided by a test as every sale is, and comes out as it does
there. {later} wait for what this version does not do; {len(others) - later} are decided otherwise on purpose. A test holds this page to the cases.

Where a project takes money off the price and we give points, {instead} cases take the same arithmetic: points worth as much
as is taken off there, or points from a wallet that pay it. Peers disagree; so these are settings of a document here:

| question | setting |
|---|---|
| round for each product or once for the sale | `per: line`, `per: basket` |
| which way to round | `rounding: down`, `half-up`, `half-even`, `up` |
| earn on what points paid, too | `base: net`, `gross` |
| add up, exclude, or give the best only | `stacking: {{mode: add}}`, `stop`, `best` |
| which units count | `per: unit`; `set_of: 3`: full sets of three |
| what a limit leaves over | `exhausted: partial`, `none` |
| when points end | `expire_after: {{months: 12, at: month-end}}`, `year-end`, `day`; `months: 0`: with the period they are earned in |
"""


def _reproduced() -> Iterator[str]:
    known = index()
    for topic in TOPICS:
        its = _read(topic)
        yield f"## {topic.capitalize()}: {len(its)} reproduced\n"
        yield "| case | project | there | here | comes out |\n|---|---|---|---|---|"
        for case in its:
            project, _ = known[case["case"]]
            here = _INSTEAD.get(case.get("instead", ""), "") + case["here"]
            out = _written(case["expected"])
            yield f"| {case['case']} | {project} | {case['there']} | {here} | {out} |"
        yield ""


def _others() -> Iterator[str]:
    known = index()
    titles = {"later": "Not yet", "differs": "Otherwise, on purpose"}
    for kind, title in titles.items():
        its = [(case, reason) for case, its_kind, reason in left_out() if its_kind == kind]
        yield f"## {title}: {len(its)}\n"
        yield "| case | project | about | reason |\n|---|---|---|---|"
        for case, reason in its:
            project, group = known[case]
            yield f"| {case} | {project} | {group.replace('_', ' ')} | {reason} |"
        yield ""


def _written(expected: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {_value(said)}" for name, said in expected.items())


def _value(said: Any) -> str:
    if isinstance(said, dict):
        return ", ".join(f"{name}: {_value(part)}" for name, part in said.items())
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

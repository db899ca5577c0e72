"""What Hypothesis draws for the model's tests: baskets, and what tills do with them."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from hypothesis import strategies as st
from simple_said import (
    MOST,
    Adjust,
    Back,
    Days,
    Event,
    Gift,
    Give,
    Hold,
    Line,
    Name,
    Release,
    Return,
    Sale,
    Transfer,
    Void,
)
from simple_sales import CARDS

START = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - by the clock in the stores
MEMBERS_CARDS = tuple(CARDS)
CARD = st.sampled_from(
    ["pyotr-1", "anna", "pyotr-2", "anna", "pyotr-1", "anna", *MEMBERS_CARDS, None, "nobody's"]
)
STORE = st.sampled_from(("nsk-07", "nsk-08", "nsk-07", "omsk-1"))
KEY = st.one_of(st.none(), st.sampled_from([f"k{n}" for n in range(6)]))
WEIGHTS = (Fraction(1), Fraction(2), Fraction(3), Fraction("0.345"), Fraction("1.5"))


@st.composite
def baskets(draw: st.DrawFn) -> tuple[Line, ...]:
    """Up to three products, some weighed, some free."""
    skus = draw(
        st.lists(st.sampled_from(("hunter", "tea", "bread")), min_size=1, max_size=3, unique=True)
    )
    amounts = st.one_of(st.sampled_from((0, 1, 999, 2_000, 4_000, 25_900)), st.integers(0, 90_000))
    return tuple(
        Line(n, sku, draw(st.sampled_from(WEIGHTS)), draw(amounts)) for n, sku in enumerate(skus, 1)
    )


GIFTS = st.lists(
    st.builds(
        Gift,
        st.sampled_from(("own", "round-up", "round-up", "nothing")),
        st.sampled_from((True, True, False)),
        st.sampled_from((None, None, None, None, 5, 300)),
    ),
    max_size=2,
    unique_by=lambda gift: gift.offer,
).map(tuple)
REDEEM = st.one_of(st.just(0), st.just(MOST), st.integers(1, 60))


@st.composite
def sales(draw: st.DrawFn, name: Name, now: datetime) -> Sale:
    """A sale by that name; its total may be below the sum of its lines."""
    lines = draw(baskets())
    whole = sum(line.amount for line in lines)
    less = draw(st.sampled_from((0, 0, 0, 1, 77)))
    skewed = draw(st.sampled_from((0, 0, 0, 0, -200, 250, 400, -400)))
    return Sale(
        name, now + timedelta(seconds=skewed), draw(CARD), lines, max(whole - less, 0),
        draw(REDEEM), draw(GIFTS), offline=draw(st.sampled_from((False, False, True))),
    )  # fmt: skip


@st.composite
def returns(draw: st.DrawFn, name: Name, now: datetime, sale: Sale) -> Return:
    """Some of a sale, or all, or more than it had."""
    part = draw(
        st.sampled_from((Fraction(1), Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(2)))
    )
    lines = []
    for line in draw(st.lists(st.sampled_from(sale.lines), min_size=1, unique=True)):
        quantity = Fraction(int(line.quantity * part * 1_000_000), 1_000_000)
        lines.append(Back(line.number, quantity, int(line.amount * part)))
    total = sum(line.amount for line in lines)
    if total > sale.total and part <= 1:
        total = sale.total
    offline = draw(st.sampled_from((False, False, True)))
    return Return(name, now, sale.name, tuple(lines), total, offline)


KINDS = (
    "sale", "sale", "late", "void", "return", "again", "adjust", "give", "transfer", "days", "capture", "release"
)  # fmt: skip


@st.composite
def courses(draw: st.DrawFn, *, holds: bool = True) -> list[Event]:
    """What tills, kiosks and the office send in one moment, one after the other; some of it again, some too early."""
    events: list[Event] = [Adjust(card, draw(st.integers(1, 99))) for card in ("pyotr-1", "anna")]
    # What is recorded first has a place that is known beforehand: nothing here is refused.
    events += [Hold("nsk-07", "3", "anna", 1, 60)] * draw(st.integers(0, 1)) * holds
    events += [Hold("nsk-07", "3", "pyotr-1", 1, 60)] * draw(st.integers(0, 1)) * holds
    holds_at = [n for n, event in enumerate(events, 1) if isinstance(event, Hold)]
    sold: list[Sale] = []
    for number in range(draw(st.integers(4, 14))):
        name = (draw(STORE), "3", "2026-11-22", number)
        kind = draw(st.sampled_from(KINDS))
        others = sorted({*sold}, key=lambda sale: sale.name)
        if kind in {"sale", "late"} or (kind == "capture" and holds_at):
            at = START - timedelta(days=3 if kind == "late" else 0)
            sale = draw(sales((*name[:2], at.date().isoformat(), number), at))
            if kind == "capture":
                sale = replace(
                    sale, hold=draw(st.sampled_from(holds_at)), name=("nsk-07", *sale.name[1:])
                )
            sold.append(sale)
            events.append(sale)
        elif kind == "void":
            early = (name[0], "3", "2026-11-22", number + 1)
            events.append(Void(draw(st.sampled_from([early, *[sale.name for sale in others]]))))
        elif kind == "return" and others:
            events.append(draw(returns(name, START, draw(st.sampled_from(others)))))
        elif kind == "again":
            events.append(draw(st.sampled_from(events)))
        elif kind == "release" and holds_at:
            events.append(Release(draw(st.sampled_from(holds_at))))
        else:
            events.append(_without_a_till(draw, kind, name[0]))
    return events


def _without_a_till(draw: st.DrawFn, kind: str, store: str) -> Event:
    if kind == "give":
        return Give(store, draw(CARD) or "nobody's", draw(st.integers(1, 30)))
    if kind == "transfer":
        card, to = draw(st.permutations(("anna", "pyotr-2")))
        return Transfer(card, to, draw(st.integers(1, 30)))
    if kind == "days":
        return Days(draw(st.sampled_from(("pyotr-1", "anna"))), START)
    return Adjust("anna", draw(st.integers(-40, 40).filter(bool)))

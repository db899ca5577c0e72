"""The state machine: what tills, kiosks, the office and the clock do at random, to the service and to the model at once.

An event is added by a rule here, and a method of `simple_model.Model`. What a rule posts waits until a batch is full,
and is then given to the writer at once; each answer has to be the model's, and so have the tables.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, ClassVar

import simple_said as said
from drawn import CARD, KEY, MEMBERS_CARDS, START, STORE, returns, sales
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from simple_model import Model
from simple_names import Answer
from tables import broken_laws, state_of
from tally import Tally
from telling import told
from worlds import QUOTE_TTL_S, World

from databases import fresh
from lepta.db import Address
from lepta.processing.decide import Decision
from lepta.verification.verify import faults

INDEX = st.integers(0, 30)
WHOLE = Fraction(1)


def differences(ours: Mapping[str, Any], models: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """(the service's, the model's) by what they differ in."""
    names = ours.keys() | models.keys()
    return {n: (ours.get(n), models.get(n)) for n in names if ours.get(n) != models.get(n)}


class Machine(RuleBasedStateMachine):
    """Every event of the service, against the model."""

    server: ClassVar[Address]
    template: ClassVar[str]
    tally: ClassVar[Tally]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = ExitStack()
        self.waiting: list[tuple[said.Event, str | None]] = []
        self.sent: list[tuple[said.Event, str | None]] = []
        self.sold: list[said.Sale] = []
        self.sequence = 0
        self.batch = 1
        self.has_held = self.has_quoted = False
        self.changed = False
        self.sound = False
        self.tally.examples += 1

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(what)

    @initialize(
        budget=st.sampled_from((1_300, 6_000)),
        points=st.sampled_from((1, 20, 150)),
        batch=st.sampled_from((1, 1, 4)),
    )
    def found(self, budget: int, points: int, batch: int) -> None:
        """A shop that has just opened; two members have points."""
        name = self.stack.enter_context(fresh(self.server, self.template))
        self.address = replace(self.server, database=name)
        self.world = World(self.address, START, budget)
        self.run(self.world.open())
        self.model = Model(1, now=START, budget=budget)
        for card in ("pyotr-1", "anna"):
            self.post(said.Adjust(card, points), card)
        self.batch = batch

    # --- what is sent ---

    def post(self, event: said.Event, key: str | None = None) -> None:
        """Send an event, as soon as its batch is full."""
        self.sent.append((event, key))
        self.waiting.append((event, key))
        if len(self.waiting) >= self.batch:
            self.flush()

    def flush(self) -> None:
        """Send what waits, all at once; each answer is the model's."""
        self.sound, waiting, self.waiting = False, self.waiting, []
        for (event, key), answer in zip(waiting, self.run(self._answers(waiting)), strict=True):
            expected = self.model.answer(event, key)
            unlike = differences(told(answer), expected)
            assert not unlike, (unlike, event, key)
            self._learn(event, answer, expected)
        self.changed = self.changed or bool(waiting)
        self.sound = True

    async def _answers(self, waiting: list[tuple[said.Event, str | None]]) -> list[Decision]:
        found = [await self.world.submission(event, key) for event, key in waiting]
        writer = self.world.writers[0]
        answers = [writer.enqueue(each, share=False) for each in found]
        return [answered.decision for answered in await asyncio.gather(*answers)]

    def _learn(self, event: said.Event, answer: Decision, expected: Answer) -> None:
        kind = type(event).__name__.lower()
        self.tally.answers[kind] += 1
        if "refused" in expected:
            self.tally.answers[f"{kind}/{expected['refused']}"] += 1
        elif expected["again"]:
            self.tally.answers[f"{kind}/again"] += 1
        else:
            self.tally.notable(kind, expected)
        self.world.learn(event, answer)

    def name(self, store: str) -> said.Name:
        """The next of a till, by the day that it is."""
        self.sequence += 1
        return (store, "3", self.model.today.isoformat(), self.sequence)

    def pass_time(self, by: timedelta) -> None:
        self.flush()
        self.model.now += by
        self.world.now = self.model.now

    # --- rules: one an event ---

    @rule(data=st.data(), store=STORE, key=KEY)
    def sell(self, data: st.DataObject, store: str, key: str | None) -> None:
        sale = data.draw(sales(self.name(store), self.model.now))
        self.sold.append(sale)
        self.post(sale, key)

    @rule(data=st.data(), store=STORE, number=st.integers(1, 3))
    def sell_to_a_queue(self, data: st.DataObject, store: str, number: int) -> None:
        for _ in range(number):
            sale = data.draw(sales(self.name(store), self.model.now))
            self.sold.append(sale)
            self.post(sale)

    @rule(
        card=st.sampled_from(("pyotr-1", "anna")),
        amount=st.sampled_from((2_000, 60_000)),
        stores=st.tuples(STORE, STORE),
        back=st.sampled_from(((), (1,), (1, 2), (1, 2), (2, 1))),
    )
    def spend_what_was_earned(
        self, card: str, amount: int, stores: tuple[str, str], back: tuple[int, ...]
    ) -> None:
        """Earn, spend all there is, then take back what earned it, and what spent it."""
        for store, cost, redeem in ((stores[0], amount, 0), (stores[1], 3_900, said.MOST)):
            line = said.Line(1, "bread", WHOLE, cost)
            sale = said.Sale(self.name(store), self.model.now, card, (line,), cost, redeem)
            self.sold.append(sale)
            self.post(sale)
        for which in back:
            self.post(said.Void(self.sold[which - 3].name))

    @rule(data=st.data(), store=STORE, days=st.integers(1, 40))
    def sell_late(self, data: st.DataObject, store: str, days: int) -> None:
        """A till that was offline sends what it sold days ago."""
        at = self.model.now - timedelta(days=days)
        name = (store, "9", at.date().isoformat(), self.name(store)[3])
        sale = replace(data.draw(sales(name, at)), offline=True)
        self.sold.append(sale)
        self.post(sale)

    @rule(fiscal=st.sampled_from((1, 1, 2)), amount=st.sampled_from((5_000, 5_000, 7_000)))
    def sell_by_fiscal(self, fiscal: int, amount: int) -> None:
        """The same fiscal document under names of their own, of the same goods or of others."""
        line = said.Line(1, "bread", WHOLE, amount)
        sale = said.Sale(
            self.name("nsk-07"), self.model.now, "anna", (line,), amount, fiscal=fiscal
        )
        self.sold.append(sale)
        self.post(sale)

    @precondition(lambda self: self.sent)
    @rule(index=INDEX, how=st.sampled_from(("same", "other key", "no key", "offline")))
    def send_again(self, index: int, how: str) -> None:
        event, key = self.sent[-1 - index % len(self.sent)]
        if isinstance(event, said.Publish):
            return
        if how == "offline" and isinstance(event, (said.Sale, said.Return)):
            event = replace(event, offline=not event.offline)
        self.post(event, {"same": key, "offline": key, "other key": "k-again"}.get(how))

    @precondition(lambda self: self.sold)
    @rule(index=INDEX, store=STORE, key=KEY)
    def sell_another_by_its_name(self, index: int, store: str, key: str | None) -> None:
        sale = self.sold[-1 - index % len(self.sold)]
        self.post(replace(sale, redeem=7, card="pyotr-1"), key)

    @rule(index=INDEX, ahead=st.booleans(), key=KEY)
    def void(self, index: int, ahead: bool, key: str | None) -> None:
        """A sale, or one that is still on its way."""
        if ahead or not self.sold:
            store, till, day, sequence = self.name("nsk-07")
            self.sequence -= 1
            self.post(said.Void((store, till, day, sequence + index % 2)), key)
        else:
            self.post(said.Void(self.sold[-1 - index % len(self.sold)].name), key)

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), index=INDEX, store=STORE, key=KEY)
    def bring_back(self, data: st.DataObject, index: int, store: str, key: str | None) -> None:
        sale = self.sold[-1 - index % len(self.sold)]
        self.post(data.draw(returns(self.name(store), self.model.now, sale)), key)

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), index=INDEX, store=STORE, parts=st.integers(1, 4))
    def bring_back_in_parts(self, data: st.DataObject, index: int, store: str, parts: int) -> None:
        sale = self.sold[-1 - index % len(self.sold)]
        for _ in range(parts):
            self.post(data.draw(returns(self.name(store), self.model.now, sale)))

    @precondition(lambda self: self.sold)
    @rule(data=st.data(), known=st.booleans(), store=STORE)
    def bring_back_what_nobody_knows(self, data: st.DataObject, known: bool, store: str) -> None:
        goods = data.draw(returns(self.name(store), self.model.now, self.sold[-1]))
        original = None if known else ("nsk-07", "77", "2026-11-22", 1)
        self.post(replace(goods, original=original))

    @rule(
        store=STORE,
        card=CARD,
        points=st.integers(1, 40),
        ttl_s=st.sampled_from((1, 60, 86_400)),
        key=KEY,
    )
    def set_aside(
        self, store: str, card: str | None, points: int, ttl_s: int, key: str | None
    ) -> None:
        self.has_held = True
        self.post(said.Hold(store, "3", card or "nobody's", points, ttl_s), key)

    @precondition(lambda self: self.has_held)
    @rule(index=INDEX, expired=st.booleans())
    def let_go(self, index: int, expired: bool) -> None:
        self.post(said.Release(self._hold(index), expired))

    @precondition(lambda self: self.has_held)
    @rule(data=st.data(), index=INDEX, store=STORE, key=KEY)
    def capture(self, data: st.DataObject, index: int, store: str, key: str | None) -> None:
        place = self._hold(index)
        sale = replace(data.draw(sales(self.name(store), self.model.now)), hold=place)
        hold = self.model.holds.get(place)
        if hold is not None and index % 4:
            cards = [
                card for card in MEMBERS_CARDS if card.startswith(hold.member.removeprefix("m-"))
            ]
            sale = replace(sale, card=cards[0], name=(hold.store, *sale.name[1:]))
        self.sold.append(sale)
        self.post(sale, key)

    @rule(data=st.data(), card=st.sampled_from(("pyotr-1", "anna")), points=st.integers(1, 9), late=st.sampled_from((0, 61, 61, 3_000_000)))  # fmt: skip
    def hold_and_capture(self, data: st.DataObject, card: str, points: int, late: int) -> None:
        """In time, just after its time, or when the points' last day is over, too."""
        self.has_held = True
        self.post(said.Hold("nsk-07", "3", card, points, 60))
        place = self._hold(0)
        if late:
            self.pass_time(timedelta(seconds=late))
        sale = data.draw(sales(self.name("nsk-07"), self.model.now))
        sale = replace(sale, card=card, hold=place, redeem=points, offline=bool(points % 2))
        self.sold.append(sale)
        self.post(sale)

    def _hold(self, index: int) -> int:
        """One of the newest holds; or none."""
        self.flush()
        places = sorted(self.world.ids, reverse=True)
        return 10**9 if index == 30 or not places else places[index % min(len(places), 4)]

    @rule(
        card=st.sampled_from(MEMBERS_CARDS),
        points=st.integers(-60, 80).filter(bool),
        key=st.integers(),
    )
    def adjust(self, card: str, points: int, key: int) -> None:
        self.post(said.Adjust(card, points), f"a{key % 9}")

    @rule(store=STORE, card=CARD, points=st.integers(1, 30), key=st.integers())
    def give(self, store: str, card: str | None, points: int, key: int) -> None:
        self.post(said.Give(store, card or "nobody's", points), f"g{key % 9}")

    @rule(card=CARD, to=CARD, points=st.integers(1, 40), key=st.integers())
    def transfer(self, card: str | None, to: str | None, points: int, key: int) -> None:
        self.post(said.Transfer(card or "nobody's", to or "nobody's", points), f"t{key % 9}")

    @rule(card=st.sampled_from(MEMBERS_CARDS), ahead=st.sampled_from((-1, 0, 0, 3)))
    def tell_the_day(self, card: str, ahead: int) -> None:
        self.post(said.Days(card, self.model.now + timedelta(days=ahead)))

    @rule(term=st.sampled_from((("rate", 1), ("rate", 2), ("rate", 3), ("budget", 900), ("budget", 9_000), ("owes", 0), ("owes", 1))))  # fmt: skip
    def publish(self, term: tuple[str, int]) -> None:
        self.post(said.Publish(*term))

    @rule(data=st.data(), store=STORE)
    def quote(self, data: st.DataObject, store: str) -> None:
        self.flush()
        sale = replace(data.draw(sales(self.name(store), self.model.now)), offline=False)
        expected = self.model.quote(sale, QUOTE_TTL_S)
        assert self.run(self.world.quote(sale)) == expected
        self.has_quoted = bool(self.model.quotes)
        self.tally.answers["quote"] += 1

    @precondition(lambda self: self.has_quoted)
    @rule(
        data=st.data(),
        index=INDEX,
        how=st.sampled_from(("as quoted", "other answers", "other basket")),
    )
    def sell_as_quoted(self, data: st.DataObject, index: int, how: str) -> None:
        number = len(self.model.quotes) - 1 - index % min(3, len(self.model.quotes))
        quoted = self.model.quotes[number].sale
        sale = replace(quoted, name=(*quoted.name[:3], self.name("nsk-07")[3]), quote=number)
        if how == "other answers":
            sale = replace(
                sale,
                redeem=data.draw(st.sampled_from((0, said.MOST, 9))),
                gifts=(),
                at=self.model.now,
            )
        elif how == "other basket":
            sale = replace(sale, total=max(sale.total - 1, 0), offline=bool(index % 2))
        self.sold.append(sale)
        self.post(sale)

    @rule(
        data=st.data(), store=STORE, what=st.sampled_from(("sale", "void", "return")), index=INDEX
    )
    def train(self, data: st.DataObject, store: str, what: str, index: int) -> None:
        """The same answers, and nothing that anybody would notice afterwards."""
        self.flush()
        event: said.Sale | said.Void | said.Return
        event = data.draw(sales(self.name(store), self.model.now))
        if what != "sale" and self.sold:
            known = self.sold[-1 - index % len(self.sold)]
            event = said.Void(known.name)
            if what == "return":
                event = data.draw(returns(self.name(store), self.model.now, known))
        unlike = differences(self.run(self.world.rehearse(event)), self.model.rehearse(event))
        assert not unlike, (unlike, event)
        self.tally.answers["in training"] += 1
        self.changed = True

    # --- rules: how it is sent, and what happens meanwhile ---

    @rule(size=st.sampled_from((1, 1, 3, 8)))
    def from_now_on_in_batches(self, size: int) -> None:
        self.batch = size
        if len(self.waiting) >= size:
            self.flush()

    @rule(seconds=st.sampled_from((1, 59, 60, 601)))
    def seconds_pass(self, seconds: int) -> None:
        self.pass_time(timedelta(seconds=seconds))

    @rule(days=st.sampled_from((1, 2, 2, 20, 31)), told_to_all=st.booleans())
    def days_pass(self, days: int, told_to_all: bool) -> None:
        self.pass_time(timedelta(days=days))
        if told_to_all:
            for card in ("pyotr-1", "anna", "new"):
                self.post(said.Days(card, self.model.now))

    @rule(
        data=st.data(),
        sales_=st.integers(0, 4),
        points=st.integers(1, 9),
        ms=st.sampled_from((0, 1, 2, 4, 8, 15, 30)),
    )
    def crash(self, data: st.DataObject, sales_: int, points: int, ms: int) -> None:
        """The writer dies at some moment with what it was sent; all of it is sent again to the next one."""
        for _ in range(sales_):
            sale = data.draw(sales(self.name("nsk-07"), self.model.now))
            self.sold.append(sale)
            self.waiting += [(said.Adjust("anna", points), f"c{self.sequence}"), (sale, None)]
        self.tally.crashes += bool(self.waiting)
        self.sound = False
        recorded = self.run(self._die_with(self.waiting, ms))
        lost = iter(self.waiting)
        while self.model.size < recorded:
            self.model.answer(*next(lost))
        self.flush()

    async def _die_with(self, waiting: list[tuple[said.Event, str | None]], ms: int) -> int:
        found = [await self.world.submission(event, key) for event, key in waiting]
        answers = [self.world.writers[0].enqueue(each, share=False) for each in found]
        await asyncio.sleep(ms / 1000)
        await self.world.crash()
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)
        return await self.world.size()

    # --- what always holds ---

    @invariant()
    def the_ledger_is_the_model_s(self) -> None:
        if not self.sound:
            return
        self.tally.steps += 1
        if not self.changed:
            return
        self.changed = False
        self.tally.checks += 1
        unlike = differences(self.run(state_of(self.world.reader)), self.model.books.state())
        assert not unlike, unlike
        assert self.run(self.world.size()) == self.model.size
        assert self.run(broken_laws(self.world.reader)) == []
        self.model.books.check()

    def teardown(self) -> None:
        try:
            if self.sound:
                self.flush()
                self.the_ledger_is_the_model_s()
                assert self.run(faults(self.address)) == []
        finally:
            if hasattr(self, "world"):
                self.run(self.world.close())
            self.stack.close()
            self.loop.close()

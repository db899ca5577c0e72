"""The demo from set-up to verdict: an office, a day of tills, what came of it, and whether it all adds up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from lepta.demo import comebacks, founding, office, report, tills, totals, traffic
from lepta.demo.comebacks import Comeback
from lepta.demo.day import Basket
from lepta.demo.programme import Setup, setup
from lepta.demo.totals import Answer, Totals
from lepta.demo.traffic import Counter, Receipt
from lepta.replay import connect

SENT_TWICE = 25
CHOICE = "playground"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo leaves behind: whether all added up, and a till's key for whoever goes on."""

    sound: bool
    totals: Totals
    till_key: str
    log_size: int
    """How many events the log must hold, if every answer told the truth."""


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


async def run(url: str, admin_key: str, day: Sequence[Basket], console: Console) -> Outcome:
    """Set everything up, post the day and the founding sales, show and check what came of it."""
    documents = setup(day)
    households = tills.visits(day)
    places = {visit.till for visits in households for visit in visits} | {founding.TILL}
    async with connect(url, admin_key, connections=office.AT_ONCE) as client:
        with _progress(console) as progress:
            for resource, part in office.steps(documents):
                task = progress.add_task(resource.capitalize(), total=len(part))
                await office.put_all(client, resource, part, _advancing(progress, task))
            task = progress.add_task("Tills", total=len(places))
            keys = await office.till_keys(client, sorted(places), _advancing(progress, task))
            counter = Counter(client, keys)
            task = progress.add_task("Baskets", total=len(day))
            receipts = await traffic.post_day(counter, households, _advancing(progress, task))
            wanted = comebacks.wishes(receipts)
            task = progress.add_task("Comebacks", total=len(wanted))
            back = await comebacks.bring_back(counter, wanted, _advancing(progress, task))
        founded = [await counter.sell(body) for body in founding.all_checkouts()]
        everything = [*founded, *receipts]
        counted = add_up(everything, back)
        _show_receipts(console, founded, receipts, back)
        read = await _read(client, documents, counted)
        _show_results(console, documents, counted, read)
        sound = _check(console, everything, counted, read)
        again = await _sent_again(counter, everything)
        back_again = await comebacks.bring_back(counter, wanted, lambda _: None)
        unchanged = await _read(client, documents, counted)
        sound &= _check_again(console, again, counted, unchanged)
        sound &= _check_back_again(console, back, back_again)
        answers = [said.answer for said in everything] + [said.answer for said in back]
        log_size = 1 + max(answer["log_index"] for answer in answers)
        return Outcome(sound, counted, keys[founding.TILL], log_size)


def _advancing(progress: Progress, task: TaskID) -> office.Advance:
    return lambda steps: progress.advance(task, steps)


def add_up(receipts: Sequence[Receipt], back: Sequence[Comeback]) -> Totals:
    """All answers, summed."""
    counted = Totals()
    for receipt in receipts:
        counted.add(receipt.card, receipt.answer)
    for each in back:
        sale = each.wish.sale
        counted.take_back(
            each.wish.kind, sale.card if sale else None, sale.answer if sale else None, each.answer
        )
    return counted


@dataclass(frozen=True, slots=True)
class Books:
    """What the service's books say, read through its API."""

    cards: dict[str, Answer]
    funds: dict[str, Answer]
    standing: Answer


async def _get(client: httpx.AsyncClient, path: str) -> Answer:
    response = await client.get(path)
    if response.status_code != 200:
        raise office.DemoRefused(f"GET {path}", response)
    answer: Answer = response.json()
    return answer


async def _read(client: httpx.AsyncClient, documents: Setup, counted: Totals) -> Books:
    charities = [id_ for id_, party in documents.parties.items() if party["kind"] == "charity"]
    cards: dict[str, Answer] = {}

    async def read_card(card: str) -> None:
        cards[card] = await _get(client, f"/v1/cards/{card}")

    await office.each(read_card, sorted(counted.cards), office.AT_ONCE)
    funds = {fund: await _get(client, f"/v1/funds/{fund}") for fund in charities}
    return Books(cards, funds, await _get(client, f"/v1/campaigns/{CHOICE}/standing"))


def _show_receipts(
    console: Console,
    founded: Sequence[Receipt],
    day: Sequence[Receipt],
    back: Sequence[Comeback],
) -> None:
    report.receipts(console, "The sale that started it", founded[:1])
    told = sorted(
        day, key=lambda r: (-len(r.answer["donations"]), r.answer["points"]["redeemed"] == 0)
    )
    russian = [r for r in told if r.answer["receipt"]["language"] == "ru"][:2]
    english = [r for r in told if r.answer["receipt"]["language"] == "en"][:2]
    report.receipts(console, "Some of the day's receipts", [*russian, *english, founded[-1]])
    richest = sorted(back, key=lambda each: -len(each.answer["donations"]))
    report.receipts(console, "Some of what came back", [*richest[:3], *back[-1:]])


def _show_results(console: Console, documents: Setup, counted: Totals, read: Books) -> None:
    names = {id_: report.name_of(party) for id_, party in documents.parties.items()}
    titles = {id_: str(c["title"]["ru"]) for id_, c in documents.campaigns.items()}
    richest = sorted(read.cards, key=lambda card: (-counted.cards[card], card))[:6]
    report.campaigns(console, counted, titles)
    report.balances(console, [read.cards[card] for card in richest])
    report.owed(console, counted, names)
    report.standing(console, read.standing)


def _check(console: Console, receipts: Sequence[Receipt], counted: Totals, read: Books) -> bool:
    """Every receipt adds up, and the books say what the receipts said."""
    console.print()
    inside = [fault for r in receipts for fault in totals.wrong_sums(r.answer)]
    first = receipts[0].answer["receipt"]["text"]
    spoken = [] if founding.is_on(first) else [f"Пётр's receipt says: {first}"]
    checks = [
        ("the founding receipt says what it must, word for word", spoken),
        (f"{counted.checkouts} receipts add up, each in itself", inside),
        (
            f"{len(read.cards)} balances are the sums of their receipts",
            totals.card_faults(counted, read.cards),
        ),
        (
            f"{len(read.funds)} funds were given what the receipts say",
            totals.fund_faults(counted, read.funds),
        ),
        (
            "the schools stand as the receipts say",
            totals.standing_faults(counted, CHOICE, read.standing),
        ),
    ]
    # All of them are shown, also after a fault.
    verdicts = [report.faults(console, *check) for check in checks]
    return all(verdicts)


async def _sent_again(
    counter: Counter, receipts: Sequence[Receipt]
) -> list[tuple[Receipt, Receipt]]:
    """Some checkouts with their first answer and the one they get when they are sent again, all at once."""
    chosen = receipts[:: max(1, len(receipts) // SENT_TWICE)]
    again = await asyncio.gather(*(counter.sell(receipt.body) for receipt in chosen))
    return list(zip(chosen, again, strict=True))


def _check_back_again(
    console: Console, first: Sequence[Comeback], again: Sequence[Comeback]
) -> bool:
    different = [
        f"{one.wish.kind} {one.wish.body['sequence']}: another answer"
        for one, other in zip(first, again, strict=True)
        if told(other.answer) != {**told(one.answer), "replayed": True}
    ]
    return report.faults(console, f"{len(again)} voids and returns, too", different)


def _check_again(
    console: Console, again: Sequence[tuple[Receipt, Receipt]], counted: Totals, read: Books
) -> bool:
    """A repetition gets the first answer, and changes nothing."""
    different = [
        f"sequence {first.body['sequence']} of till {first.body['store']}/{first.body['till']}: another answer"
        for first, second in again
        if second.status != 200 or told(second.answer) != {**told(first.answer), "replayed": True}
    ]
    different += totals.card_faults(counted, read.cards) + totals.fund_faults(counted, read.funds)
    return report.faults(console, f"{len(again)} checkouts sent twice changed nothing", different)


def told(answer: Answer) -> Answer:
    """An answer without its receipt, which is composed anew each time, and without what a void has changed since."""
    return {name: value for name, value in answer.items() if name not in {"receipt", "voided"}}

"""Tills, kiosks and an office that send a drawn mix of events until each is answered, and remember every answer."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import httpx

import make

DAY = "2026-11-22"
CARDS = [f"29000000{number:05d}" for number in range(12)]
BATCHES = "/v1/checkouts:batch"
PATIENCE_S = 12.0
"""So long a till waits for an answer."""
CHANGING = ("replayed", "receipt", "voided")
"""Of an answer's members those in which a repeat differs from the first."""
PLAY: dict[str, Any] = {
    "campaign": "play", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 20, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
    },
    "funding": [{"party": "hunter-foods", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
}  # fmt: skip
LIMITED: dict[str, Any] = {
    **make.HUNTER, "campaign": "limited", "limits": {"units": 150, "per_card": 60, "budget": {"money": 60_000}},
}  # fmt: skip


class Sent(NamedTuple):
    """A request; a name of its own makes its refusal final, too."""

    path: str
    body: str
    header: str | None = None

    @property
    def final(self) -> bool:
        """Whether a refusal would be the same again."""
        return self.header is not None


class Answer(NamedTuple):
    """What a request came to, as far as every repeat must say it again."""

    recorded: bool
    body: dict[str, Any]


def answer_of(status: int, body: dict[str, Any]) -> Answer:
    if status in {200, 201}:
        return Answer(True, {name: value for name, value in body.items() if name not in CHANGING})
    return Answer(False, {"type": body["type"]})


@dataclass
class Tally:
    """What was sent and what became of it."""

    requests: int = 0
    events: int = 0
    answered: int = 0
    refused: int = 0
    told_to_come_again: int = 0
    cut_off: int = 0
    left_waiting: int = 0
    lost: int = 0
    doubled: int = 0


@dataclass
class Traffic:
    """Everybody who sends. `url` may change while they do: the next try goes there."""

    urls: Callable[[], list[str]]
    key: str
    seed: str
    tally: Tally = field(default_factory=Tally)
    answers: dict[Sent, Answer] = field(default_factory=dict)
    files: dict[str, list[Sent]] = field(default_factory=dict)
    given_up: bool = False
    pause_s: float = 0.1
    done: int = 0
    _sequences: Any = field(default_factory=lambda: count(1))
    _tries: Any = field(default_factory=count)

    @asynccontextmanager
    async def under_way(self, tills: int = 8) -> AsyncIterator["Traffic"]:
        """Send as long as the block lasts; then until all that was begun is answered."""
        self.given_up = False
        async with self._client() as client:
            sending = [asyncio.create_task(self._till(client, n)) for n in range(tills)]
            try:
                yield self
                self.given_up = True
                await asyncio.wait_for(asyncio.gather(*sending), 60)
            finally:
                for each in sending:
                    each.cancel()

    async def more(self, answers: int = 12, within_s: float = 40) -> None:
        """Wait until so many more are answered."""
        until = self.done + answers
        async with asyncio.timeout(within_s):
            while self.done < until:  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.01)

    async def again(self) -> None:
        """Send all of it once more: `_remember` compares each answer with the first."""
        async with self._client() as client:
            waiting = iter([*(s for s in self.answers if s.path != BATCHES)])
            files = iter(list(self.files))

            async def till() -> None:
                for sent in waiting:
                    await self.send(client, sent)
                for file in files:
                    await self._send_file(client, self.files[file])

            await asyncio.gather(*(till() for _ in range(8)))

    @property
    def places(self) -> list[int]:
        """Where in the log everything is that was answered."""
        return [a.body["log_index"] for a in self.answers.values() if a.recorded]

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return httpx.AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False)

    async def _till(self, client: httpx.AsyncClient, number: int) -> None:
        pick = random.Random(f"{self.seed}/{number}/{self.done}")
        while not self.given_up:
            story = pick.choices(STORIES, WEIGHTS)[0]
            await story(self, client, pick, f"t{number}")
            await asyncio.sleep(self.pause_s * pick.random() * 2)

    async def send(self, client: httpx.AsyncClient, sent: Sent) -> Answer:
        """Until it is answered."""
        headers = {"Idempotency-Key": sent.header} if sent.header else {}
        status, body = await self._until_answered(client, sent.path, sent.body, headers)
        return self._remember(sent, status, body)

    async def _until_answered(
        self, client: httpx.AsyncClient, path: str, body: str, headers: dict[str, str]
    ) -> tuple[int, Any]:
        while True:
            self.tally.requests += 1
            urls = self.urls()
            url = urls[next(self._tries) % len(urls)]
            try:
                answer = await client.post(url + path, content=body, headers=headers)
            except httpx.ReadTimeout:
                self.tally.left_waiting += 1
                continue
            except httpx.TransportError:
                self.tally.cut_off += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code != 503:
                assert answer.status_code in {200, 201, 409, 422}, answer.text
                return answer.status_code, answer.json()
            assert int(answer.headers["retry-after"]) >= 1
            self.tally.told_to_come_again += 1
            await asyncio.sleep(0.1)

    def _remember(self, sent: Sent, status: int, body: dict[str, Any]) -> Answer:
        answer = answer_of(status, body)
        first = self.answers.get(sent)
        if first is None:
            self.tally.events += 1
            self.tally.answered += 1
            self.tally.refused += not answer.recorded
            self.done += 1
        elif first.recorded or sent.final:
            assert answer == first, (sent, first, answer)
            return answer
        self.answers[sent] = answer
        return answer

    async def _send_file(self, client: httpx.AsyncClient, items: list[Sent]) -> None:
        body = f"[{','.join(item.body for item in items)}]"
        while True:
            status, told = await self._until_answered(client, BATCHES, body, {})
            assert status == 200, told
            results = told["results"]
            assert len(results) == len(items)
            # Without its sale, which is to come again, a return of it cannot be known: the file is sent again.
            again = {503, 404} if 503 in {r["status"] for r in results} else {503}
            final = [
                (i, r) for i, r in zip(items, results, strict=True) if r["status"] not in again
            ]
            for item, result in final:
                assert result["status"] in {200, 201, 409, 422}, result
                self._remember(item, result["status"], result["body"])
            if len(final) == len(items):
                return
            self.tally.told_to_come_again += len(items) - len(final)
            await asyncio.sleep(0.1)

    def sale(self, pick: random.Random, till: str, **more: Any) -> dict[str, Any]:
        """One to three lines, with a card or without."""
        lines = [
            make.line(n, pick.choice((0, 3_333, 25_900)), sku=pick.choice((make.HUNTER_SKU, "milk")))
            for n in range(1, pick.randint(2, 4))
        ]  # fmt: skip
        card = pick.choice((*CARDS, None)) if "card" not in more else more.pop("card")
        known = {} if card is None else {"card": card}
        body = make.checkout_body(lines=lines, till=till, sequence=next(self._sequences), **more)
        del body["card"]
        return {**body, **known}

    def name(self, pick: random.Random, *, always: bool = False) -> str | None:
        """A name for a request, or none."""
        return f"k{next(self._sequences)}" if always or pick.random() < 0.5 else None


Story = Callable[[Traffic, httpx.AsyncClient, random.Random, str], Any]


def key_of(sale: dict[str, Any]) -> dict[str, Any]:
    return {name: sale[name] for name in ("store", "till", "business_day", "sequence")}


def return_of(traffic: Traffic, sale: dict[str, Any]) -> dict[str, Any]:
    """Half of what its first line cost."""
    line = sale["lines"][0]
    amount = line["amount"] // 2
    back = {"line": line["line"], "quantity": "0.5", "amount": amount}
    return {
        **key_of(sale), "sequence": next(traffic._sequences), "occurred_at": sale["occurred_at"],
        "original": key_of(sale), "lines": [back], "total": amount,
    }  # fmt: skip


def sent(path: str, body: dict[str, Any], header: str | None = None) -> Sent:
    return Sent(path, json.dumps(body), header)


async def sell(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    await t.send(client, sent("/v1/checkouts", t.sale(pick, till), t.name(pick)))


async def redeem(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    wish = pick.choice(({"max": True}, {"points": pick.randint(1, 40)}))
    sale = t.sale(pick, till, card=pick.choice(CARDS), redeem=wish)
    await t.send(client, sent("/v1/checkouts", sale, t.name(pick, always=True)))


async def void(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    sale = t.sale(pick, till)
    both = [sent("/v1/checkouts", sale), sent("/v1/voids", key_of(sale), t.name(pick))]
    if pick.random() < 0.3:
        both.reverse()  # it may come first
    for each in both:
        await t.send(client, each)


async def bring_back(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    sale = t.sale(pick, till)
    await t.send(client, sent("/v1/checkouts", sale))
    for _ in range(pick.randint(1, 3)):  # the third is too much
        back = sent("/v1/returns", return_of(t, sale), t.name(pick, always=True))
        await t.send(client, back)


async def hold(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    card = pick.choice(CARDS)
    wish = {"card": card, "points": pick.randint(1, 20), "store": "nsk-07", "till": till}
    held = await t.send(client, sent("/v1/holds", wish, t.name(pick, always=True)))
    if not held.recorded:
        return
    if pick.random() < 0.3:
        await t.send(client, Sent(f"/v1/holds/{held.body['hold']}/release", ""))
        return
    sale = t.sale(pick, till, card=card, redeem={"max": True}, hold=held.body["hold"])
    await t.send(client, sent("/v1/checkouts", sale, t.name(pick, always=True)))


async def give(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    body = {"card": pick.choice(CARDS), "campaign": "play", "points": pick.randint(1, 9)}
    await t.send(client, sent("/v1/gifts", body, t.name(pick, always=True)))


async def adjust(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    points = pick.choice((50, 20, -5, -300))
    body = {"card": pick.choice(CARDS), "points": points, "reason": "by hand"}
    await t.send(client, sent("/v1/adjustments", body, t.name(pick, always=True)))


async def file(t: Traffic, client: httpx.AsyncClient, pick: random.Random, till: str) -> None:
    sales = [t.sale(pick, till, offline=True) for _ in range(pick.randint(3, 9))]
    items: list[dict[str, Any]] = [{"checkout": sale} for sale in sales]
    items.append({"void": key_of(sales[0])})
    items.append({"return": return_of(t, sales[1])})
    asked = [sent(BATCHES, item) for item in items]
    t.files[asked[0].body] = asked
    await t._send_file(client, asked)


STORIES: tuple[Story, ...] = (sell, redeem, void, bring_back, hold, give, adjust, file)
WEIGHTS = (6, 3, 2, 2, 2, 1, 1, 1)

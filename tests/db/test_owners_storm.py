"""Members merged, sales claimed and points transferred at random, by two writers: when all is taken back, nothing is left."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

import make
from families import OLGA, add_olga
from holds import Clock, timed_writer
from lepta.db import Address
from lepta.processing.acts import Void
from lepta.processing.owners import ClaimSale, Merge, Transfer
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from reversing import DAY, balances, goods, returning, rows, sale_key, tell

MERGE = Merge("m-pyotr", "m-olga", ("pyotr", "olga"), said=b"pyotr olga")
TRIPLE = [make.line(quantity="3", amount=77_700)]


@dataclass
class Storm:
    """What has been sold, and dice."""

    writers: list[Writer]
    dice: random.Random
    sales: list[int] = field(default_factory=list)
    acts: int = 0

    @property
    def writer(self) -> Writer:
        return self.dice.choice(self.writers)

    async def sell(self) -> None:
        self.sales.append(len(self.sales) + 1)
        card = self.dice.choice((make.CARD, OLGA, None))
        redeem = {"points": self.dice.randint(1, 9)} if card else None
        sale = make.checkout(
            sequence=self.sales[-1],
            card=card,
            lines=TRIPLE,
            redeem=redeem,
            offline=card is not None,
        )
        await self.writer.submit(Submission.of(sale))

    async def bring_back(self) -> None:
        if self.sales:
            self.acts += 1
            back = [goods(1, "1", 25_900)]
            sale = self.dice.choice(self.sales)
            await tell(self.writer, returning(1_000 + self.acts, sale, back))

    async def claim(self) -> None:
        if self.sales:
            card, sale = self.dice.choice((make.CARD, OLGA)), self.dice.choice(self.sales)
            said = f"{card} {sale}".encode()
            await tell(self.writer, ClaimSale(sale_key(sale), card, said=said))

    async def transfer(self) -> None:
        self.acts += 1
        donor, heir = self.dice.sample(("m-pyotr", "m-olga"), 2)
        points, said = self.dice.randint(1, 9), str(self.acts).encode()
        await tell(self.writer, Transfer(donor, heir, "club", points, DAY, said))

    async def merge(self) -> None:
        assert not isinstance(await tell(self.writer, MERGE), Refused)


@pytest.mark.edge_case(13, 48, 49)
@pytest.mark.parametrize("seed", range(4))
async def test_when_all_is_taken_back_nothing_is_left(shop: Address, seed: int) -> None:
    await add_olga(shop)
    clock, dice = Clock(), random.Random(seed)
    async with timed_writer(shop, clock) as one, timed_writer(shop, clock) as two:
        storm = Storm([one, two], dice)
        steps = (
            [storm.sell] * 14 + [storm.bring_back] * 10 + [storm.claim] * 8 + [storm.transfer] * 6
        )
        dice.shuffle(steps)
        steps.insert(dice.randrange(len(steps)), storm.merge)
        while steps:
            most = dice.randint(1, 6)
            together, steps = steps[:most], steps[most:]
            await asyncio.gather(*(step() for step in together))
        await storm.merge()
        assert not any("m-pyotr" in account for account in await balances(shop))
        for sale in storm.sales:
            await tell(storm.writer, Void(sale_key(sale)))
    assert await balances(shop) == {}
    assert await rows(shop, "SELECT counter, used FROM usage WHERE used <> 0") == []
    assert (
        await rows(shop, "SELECT donations, shoppers, points FROM standing WHERE donations > 0")
        == []
    )

"""What the demo prints."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lepta.demo.totals import SHOPPERS, Answer, Totals


def money(minor: int) -> str:
    """Kopecks as roubles: 2014269 is "20 142.69"."""
    sign, size = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{size // 100:,}".replace(",", " ") + f".{size % 100:02d}"


def name_of(document: Mapping[str, object]) -> str:
    """The Russian name in an office's document, in the nominative."""
    name = document["name"]
    russian = name["ru"] if isinstance(name, Mapping) else name
    return str(russian["nominative"] if isinstance(russian, Mapping) else russian)


class Answered(Protocol):
    """Whatever a till was given a receipt for."""

    @property
    def answer(self) -> Answer:
        """The service's answer."""


def receipts(console: Console, title: str, shown: Iterable[Answered]) -> None:
    """Receipts side by side, as they come out of the printer."""
    papers = [
        Panel(Text(r.answer["receipt"]["text"]), width=r.answer["receipt"]["width"] + 4)
        for r in shown
    ]
    console.print(Text(f"\n{title}", style="bold"))
    console.print(Columns(papers))


def balances(console: Console, cards: Sequence[Answer]) -> None:
    """Cards as the kiosk shows them."""
    table = Table(title="Shoppers", title_justify="left", title_style="bold")
    table.add_column("Card")
    table.add_column("Name")
    table.add_column("Points", justify="right")
    table.add_column("Gave")
    for card in cards:
        gave = "\n".join(_gave(donation) for donation in card["donations"])
        available = str(card["points"]["available"])
        table.add_row(card["card"], card["first_name"], available, gave or "-")
    console.print(table)


def _gave(donation: Answer) -> str:
    points = f", {donation['points']} points" if donation["points"] else ""
    return f"{donation['fund']}: {money(donation['money'])} RUB{points}"


def owed(console: Console, totals: Totals, names: Mapping[str, str]) -> None:
    """What each fund and school is owed, and by whom."""
    table = Table(title="Owed to funds and schools", title_justify="left", title_style="bold")
    table.add_column("To")
    table.add_column("By")
    table.add_column("RUB", justify="right")
    table.add_column("Points given", justify="right")
    for fund, given in sorted(totals.funds.items()):
        for payer in sorted(payer for owed_to, payer in totals.owed if owed_to == fund):
            whose = "the shoppers themselves" if payer == SHOPPERS else names[payer]
            table.add_row("", whose, money(totals.owed[fund, payer]), "")
        points = str(given.points) if given.points else ""
        table.add_row(names[fund], f"{given.donations} donations", money(given.money_minor), points)
        table.add_section()
    console.print(table)
    console.print(
        "[dim]What shoppers gave of their own lies in the tills: the retailer passes it on.[/]"
    )


def standing(console: Console, answer: Answer) -> None:
    """How the beneficiaries of a choice stand."""
    table = Table(
        title=f"Standing of {answer['campaign']}", title_justify="left", title_style="bold"
    )
    table.add_column("For")
    for heading in ("Donations", "Shoppers", "RUB"):
        table.add_column(heading, justify="right")
    for row in answer["beneficiaries"]:
        counts = (str(row["donations"]), str(row["shoppers"]), money(row["money"]))
        table.add_row(shown_name(row["name"]), *counts)
    console.print(table)


def shown_name(name: object) -> str:
    """A name of the API: a string, or by language and case."""
    return name_of({"name": name})


def campaigns(console: Console, totals: Totals, titles: Mapping[str, str]) -> None:
    """How often each campaign fired, and all points together."""
    table = Table(title="Campaigns", title_justify="left", title_style="bold")
    table.add_column("Campaign")
    table.add_column("Title")
    table.add_column("Fired in baskets", justify="right")
    for campaign in sorted(titles):
        table.add_row(campaign, titles[campaign], str(totals.fired[campaign]))
    console.print(table)
    console.print(
        f"{totals.checkouts} checkouts, {money(totals.turnover_minor)} RUB; points: {totals.earned} earned, "
        f"{totals.redeemed} redeemed (worth {money(totals.redeemed_minor)} RUB), {totals.shortfall} short"
    )
    console.print(
        f"{totals.voids} voids and {totals.returns} returns ({totals.unreferenced} without a sale), "
        f"{money(totals.refunded_minor)} RUB paid back; points: {totals.clawed_back} taken back, "
        f"{totals.restored} given back"
    )


def faults(console: Console, what: str, found: Sequence[str]) -> bool:
    """Say that `what` holds, or a line for each fault; True if it holds."""
    if not found:
        console.print(f"[green]✓[/] {what}")
        return True
    console.print(f"[red]✗[/] {what}: {len(found)} faults")
    for fault in found[:20]:
        console.print(f"  {fault}", markup=False)
    return False

"""How the beneficiaries of a campaign stand. Public: it counts shoppers and names none."""

from typing import Any

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, Kind

SHARD = 0

_PUBLISHED = text("""
    SELECT document -> 'effect' -> 'to' FROM campaign_version
    WHERE campaign = :campaign AND published ORDER BY version DESC LIMIT 1
""")
_ROWS = text("""
    SELECT fund, donations, shoppers, points, money_minor FROM standing WHERE shard = :shard AND campaign = :campaign
""")
_NAMES = text("SELECT id, name FROM party WHERE id = ANY(:ids)")


class UnknownCampaign(DomainError):
    """There is no such campaign.

    No campaign of this id was ever published. Drafts are not shown.
    """

    code = "unknown-campaign"
    kind = Kind.NOT_FOUND

    def __init__(self, campaign: str) -> None:
        super().__init__(
            f"No campaign {campaign!r} was ever published. Check the spelling.", id=campaign
        )


async def standing(tx: Tx, campaign: str) -> dict[str, Any]:
    """Who may get something and who got how much, most money first. `UnknownCampaign` if it was never published."""
    found = (await tx.execute(_PUBLISHED, {"campaign": campaign})).one_or_none()
    if found is None:
        raise UnknownCampaign(campaign)
    sums = {
        row.fund: row for row in await tx.execute(_ROWS, {"shard": SHARD, "campaign": campaign})
    }
    everyone = {*_named(found[0]), *sums}
    known = await tx.execute(_NAMES, {"ids": sorted(everyone)})
    names: dict[str, Any] = {row.id: row.name for row in known}
    rows = [_row(who, names.get(who, who), sums.get(who)) for who in everyone]
    rows.sort(
        key=lambda row: (-row["money"], -row["points"], -row["donations"], row["beneficiary"])
    )
    return {"campaign": campaign, "beneficiaries": rows}


def _named(to: Any) -> list[str]:
    """The beneficiaries that the document names, so that one without any gift stands there, too."""
    if not isinstance(to, dict):
        return []
    single = [to[name] for name in ("fund", "fallback") if to.get(name)]
    return list(dict.fromkeys([*single, *to.get("choice", ())]))


def _row(who: str, name: Any, sums: Any) -> dict[str, Any]:
    counts = (
        (sums.donations, sums.shoppers, sums.points, sums.money_minor) if sums else (0, 0, 0, 0)
    )
    donations, shoppers, points, money = counts
    return {
        "beneficiary": who,
        "name": name,
        "donations": donations,
        "shoppers": shoppers,
        "points": points,
        "money": money,
    }

"""What a shopper may choose at a kiosk: who gets the donation of a campaign. Reads only."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError
from lepta.statements.cards import UnknownCard

_HOLDER = text("SELECT status FROM card WHERE card = :card")
_OFFERED = text("""
    SELECT ARRAY(
        SELECT c.to FROM jsonb_array_elements_text(document #> '{effect,to,choice}') WITH ORDINALITY AS c ("to", place)
        WHERE NOT EXISTS (SELECT FROM party p WHERE p.id = c.to AND p.closed_on <= :today) ORDER BY c.place
    ) AS beneficiaries
    FROM campaign_version
    WHERE campaign = :campaign AND published AND jsonb_typeof(document #> '{effect,to,choice}') = 'array'
        AND version = (SELECT max(version) FROM campaign_version WHERE campaign = :campaign AND published)
""")
_CAMPAIGNS = text("""
    SELECT campaign FROM (
        SELECT DISTINCT ON (campaign) campaign, document FROM campaign_version
        WHERE published ORDER BY campaign, version DESC
    ) c WHERE jsonb_array_length(coalesce(document #> '{effect,to,choice}', '[]')) > 0
    ORDER BY campaign LIMIT :most
""")
MOST_NAMED = 100
"""Campaigns that a refusal names."""


class Wish(NamedTuple):
    """What a shopper chooses; no beneficiary: the campaign's default again."""

    card: str
    campaign: str
    beneficiary: str | None


class ChoiceNotOffered(DomainError):
    """The choice is not offered.

    The member `beneficiaries` lists whom the campaign lets shoppers choose; where it lets them choose nobody or was
    never published, `campaigns` lists those that do. Choose one of them.
    """

    code = "choice-not-offered"

    @classmethod
    def among(cls, wish: Wish, beneficiaries: Sequence[str]) -> "ChoiceNotOffered":
        """Of a campaign that has others to choose from."""
        return cls(
            f"{wish.beneficiary!r} cannot be chosen in campaign {wish.campaign!r}: choose one of those in "
            "`beneficiaries`.",
            campaign=wish.campaign,
            beneficiaries=list(beneficiaries),
        )

    @classmethod
    def nowhere(cls, wish: Wish, campaigns: Sequence[str]) -> "ChoiceNotOffered":
        """Of a campaign that is none, or has no choice."""
        return cls(
            f"Campaign {wish.campaign!r} lets nobody choose, or was never published: name one of those in "
            "`campaigns`.",
            campaign=wish.campaign,
            campaigns=list(campaigns),
        )


async def card_status(tx: Tx, card: str) -> str:
    """What the card may do; raises `UnknownCard`."""
    status: str | None = await tx.scalar(_HOLDER, {"card": card})
    if status is None:
        raise UnknownCard
    return status


async def check(tx: Tx, wish: Wish, today: date) -> None:
    """Raise `ChoiceNotOffered` unless the newest published version of the campaign lets shoppers choose this."""
    where: dict[str, Any] = {"campaign": wish.campaign, "today": today}
    offered = (await tx.execute(_OFFERED, where)).scalar_one_or_none()
    if offered is None:
        campaigns = (await tx.execute(_CAMPAIGNS, {"most": MOST_NAMED})).scalars()
        raise ChoiceNotOffered.nowhere(wish, list(campaigns))
    if wish.beneficiary is not None and wish.beneficiary not in offered:
        raise ChoiceNotOffered.among(wish, offered)

"""What the office sends and gets back: the stored documents."""

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    WithJsonSchema,
)

from lepta.http.bodies import Body
from lepta.http.fields import Day, Opaque, Rfc3339, opaque
from lepta.keys.service import Role
from lepta.members.tables import Card, Member
from lepta.money import EXPONENT
from lepta.names import Language, NameDocument, Readable
from lepta.parties.tables import Party, Store
from lepta.products.tables import Product
from lepta.rules.lifecycle import State
from lepta.rules.watch import degrees

_PHONE = r"^\+?[0-9][0-9 ()-]{3,30}$"
_EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,189}$"


def _currency(code: str) -> str:
    if code not in EXPONENT:
        raise ValueError(f"is not one of {', '.join(EXPONENT)}")
    return code


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; write one such as Asia/Novosibirsk")
    ZoneInfo(name)
    return name


def _card(card: Any) -> Any:
    """A bare number is an active card."""
    return {"card": card} if isinstance(card, str) else card


Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Chosen by the office.",
    ),
]
Slug = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]
Currency = Annotated[
    str, AfterValidator(_currency), WithJsonSchema({"type": "string", "enum": [*EXPONENT]})
]
TimeZone = Annotated[
    str,
    Field(max_length=64, description="IANA name: Asia/Novosibirsk.", examples=["Asia/Novosibirsk"]),
    AfterValidator(_time_zone),
]


class PartyBody(Body):
    """Somebody who sells, pays or receives."""

    kind: Literal["retailer", "supplier", "charity", "beneficiary", "agency"]
    name: NameDocument
    closed_on: Day | None = Field(
        default=None,
        description="Of a charity or beneficiary: from this day on donations go to a campaign's fallback.",
    )

    def to_record(self, party: str) -> Party:
        """The party of this id."""
        return Party(party, self.kind, self.name, self.closed_on)


def _within(most: int) -> Callable[[str], str]:
    """Degrees as they are stored, from -`most` to `most`."""

    def checked(text: str) -> str:
        told = degrees(text)
        if abs(told) > most * 10**5:
            raise ValueError(f"must lie between -{most} and {most}")
        return format(Decimal(told).scaleb(-5).normalize(), "f")

    return checked


_DEGREES = "Degrees, a decimal string; five decimals are kept, which is a metre."


class LocationBody(Body):
    """Where a store is, as maps say it (WGS 84)."""

    latitude: Annotated[str, Field(description=_DEGREES), AfterValidator(_within(90))]
    longitude: Annotated[str, Field(description=_DEGREES), AfterValidator(_within(180))]


class StoreBody(Body):
    """A store. Left out: the only programme there is, that programme's currency, Russian."""

    retailer: Id
    name: NameDocument | None = None
    region: Opaque | None = None
    time_zone: TimeZone
    currency: Currency | None = None
    language: Language = "ru"
    programme: Slug | None = None
    location: LocationBody | None = Field(
        default=None, description="For programmes that watch how far cards get in how short a time."
    )

    def to_record(self, store: str) -> Store:
        """The store of this id."""
        told = {name: getattr(self, name) for name in type(self).model_fields}
        if self.location is not None:
            told["location"] = self.location.model_dump()
        return Store(store, **told)


class ProductBody(Body):
    """What the catalogue says of a product; a sale's own categories and brand come before these."""

    name: NameDocument | None = None
    categories: Annotated[tuple[Opaque, ...], Field(max_length=50)] = ()
    brand: Opaque | None = None

    def to_record(self, sku: str) -> Product:
        """The product of this SKU."""
        return Product(sku, self.name, self.categories, self.brand)


class CardBody(Body):
    """A card and what it may do; a string instead is an active card."""

    card: Opaque
    status: Literal["active", "not-activated", "blocked"] = "active"


_CARD_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 64},
        {
            "type": "object",
            "description": CardBody.__doc__,
            "properties": {
                "card": {"type": "string", "minLength": 1, "maxLength": 64},
                "status": {"enum": ["active", "not-activated", "blocked"], "default": "active"},
            },
            "required": ["card"],
            "additionalProperties": False,
        },
    ]
}
CardEntry = Annotated[CardBody, BeforeValidator(_card), WithJsonSchema(_CARD_SCHEMA)]


class MemberBody(Body):
    """A shopper. Everything here is personal data; the ledger knows a member by a random ref alone."""

    first_name: Readable | None = None
    last_name: Readable | None = None
    gender: Literal["male", "female"] | None = None
    language: Language | None = None
    phone: Annotated[str, Field(pattern=_PHONE)] | None = None
    email: Annotated[str, Field(max_length=254, pattern=_EMAIL), AfterValidator(opaque)] | None = (
        None
    )
    birthday: Annotated[Day, Field(ge=date(1900, 1, 1))] | None = None
    segments: Annotated[tuple[Opaque, ...], Field(max_length=100)] = ()
    tier: Opaque | None = None
    joined_on: Annotated[
        Day | None,
        Field(ge=date(1900, 1, 1), description="Left out: as it is stored, at first today."),
    ] = None
    cards: Annotated[tuple[CardEntry, ...], Field(max_length=100)] = ()

    def to_record(self, member: str) -> Member:
        """The member of this id."""
        told = {name: getattr(self, name) for name in type(self).model_fields if name != "cards"}
        cards = tuple(Card(card.card, card.status) for card in self.cards)
        return Member(member, **told, cards=cards)


class MemberAnswer(MemberBody):
    """A member as they are stored."""

    merged_into: str | None = Field(
        default=None,
        description="There only of who was merged: the member who has their points and cards.",
    )


def document(record: Party | Store | Product | Member) -> dict[str, Any]:
    """The document of a stored record: what is in its body, without the id in its address."""
    told = {field.name: getattr(record, field.name) for field in fields(record)[1:]}
    if isinstance(record, Member):
        told["cards"] = [_card_document(card) for card in record.cards]
        if record.merged_into is None:
            del told["merged_into"]
    return told


def _card_document(card: Card) -> str | dict[str, str]:
    """An active card is its number alone."""
    return card.card if card.status == "active" else {"card": card.card, "status": card.status}


class PublishBody(Body):
    """When the version comes into force; left out: a first version always was, a later one from now."""

    from_at: Annotated[Rfc3339 | None, Field(alias="from")] = None


class KeyBody(Body):
    """A new key: a till's names its store and till, a kiosk's its store, a centre's its party."""

    role: Role
    store: Id | None = None
    till: Id | None = None
    party: Id | None = None


class KeyAnswer(BaseModel):
    """A key without its secret."""

    id: str
    role: Role
    store: str | None
    till: str | None
    party: str | None
    created_at: datetime
    revoked_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    """A key just made; `key` is shown this once."""

    key: str


class KeysAnswer(BaseModel):
    """All keys, the oldest first, the revoked included."""

    items: list[KeyAnswer]


class WordAnswer(BaseModel):
    """One thing that was published of a campaign; at any time the last that has begun counts."""

    word: Literal["published", "paused", "ended"]
    version: int | None = Field(description="Of a publication.")
    from_at: datetime | None = Field(alias="from", description="From when on; null: always.")


class StateAnswer(BaseModel):
    """Where a campaign stands by now."""

    campaign: str
    state: State
    newest: int = Field(description="The newest version saved; a draft if no word names it.")
    in_force: int | None = Field(
        description="The version that sales of this moment are decided by, on its dates; null: none."
    )
    words: list[WordAnswer]
    rulebook: str


class CampaignEntry(BaseModel):
    """A campaign in the list of all."""

    campaign: str
    kind: str
    title: NameDocument | None
    state: State
    newest: int = Field(description="The newest version saved.")
    in_force: int | None = Field(description="As in its state.")


class CampaignsAnswer(BaseModel):
    """A page of campaigns, by id."""

    items: list[CampaignEntry]
    next: str | None = Field(description="The next page's `after`; null: this was the last.")


class PublishedAnswer(BaseModel):
    """What stands in the rulebook now."""

    campaign: str
    version: int
    rulebook: str


class MemberStanding(BaseModel):
    """Tier and segments of a member in a span of time."""

    from_at: datetime | None = Field(alias="from", description="null: always.")
    until: datetime | None = Field(description="null: still.")
    tier: str | None
    segments: list[str]


class MemberHistoryAnswer(BaseModel):
    """A member's tiers and segments, the newest first."""

    items: list[MemberStanding]

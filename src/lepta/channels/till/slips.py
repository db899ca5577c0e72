"""From a recorded sale and today's records to what its receipt speaks of."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from lepta.names import LANGUAGES, Name
from lepta.processing.directory import Directory
from lepta.processing.leaf import Recorded
from lepta.processing.outcome import Donation
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import ShopperRecord
from lepta.receipts.offer import money_offer, points_offer
from lepta.receipts.slip import Balance, CardStatus, Gender, Given, Note, Person, Slip
from lepta.receipts.template import BONUS_VARIABLES, DONATION_VARIABLES, Template, compile_template
from lepta.rules.campaign import Campaign
from lepta.rules.effects import Offer
from lepta.rules.explanation import is_matched
from lepta.rules.programme import Programme
from lepta.rules.rulebook import EMPTY, Rulebook

REMEMBERED = 4_096
"""Names from tills, and authors' sentences beyond one rulebook, that are kept: the latest used, a few megabytes."""
UNNAMED = Name.of({"ru": "Программа", "en": "The programme"})


@dataclass(slots=True)
class Slips:
    """Names and sentences come from today's records, so an erased member's receipt is anonymous."""

    directory: Directory
    rulebooks: Rulebooks
    _sentences: dict[tuple[str, int, str], Template | None] = field(default_factory=dict)
    """By campaign, version and language, those of `_rulebook`."""
    _rulebook: Rulebook = EMPTY

    def slip(
        self, recorded: Recorded, shopper: ShopperRecord | None, language: str, *, voided: bool
    ) -> Slip:
        """What the receipt of a sale says in `language`."""
        outcome, event = recorded.outcome, recorded.event
        if self.rulebooks.newest is not self._rulebook:
            self._rulebook, self._sentences = self.rulebooks.newest, {}
        programme = self.programme(recorded)
        earned, pending, redeemed, _, shortfall = outcome.points
        # A void that came later has changed it, and its own receipt says to what.
        stale = voided and recorded.void is None
        return Slip(
            person=person_of(shopper),
            card_status=cast("CardStatus", outcome.card_status),
            currency=event.currency,
            points_scale=programme.points_scale if programme else 0,
            earned=earned,
            pending=pending,
            redeemed=redeemed,
            redeemed_minor=outcome.redeemed_money,
            shortfall=shortfall,
            given=tuple([self._given(recorded, d, language) for d in outcome.donations]),
            balance=None if stale or outcome.balance is None else Balance(*outcome.balance),
            programme=programme.name if programme else UNNAMED,
            voided=voided,
            notes=self._notes(recorded, language),
        )

    def languages(self, recorded: Recorded) -> tuple[str, ...]:
        """In which receipts of the sale's programme are written, the first choice first."""
        programme = self.programme(recorded)
        return programme.languages if programme else LANGUAGES

    def languages_in(self, store: str) -> tuple[str, ...]:
        """The same where no sale is known: those of the store's programme now."""
        known = self.directory.store(store)
        programme = self.rulebooks.newest.programmes.get(known.programme) if known else None
        return programme.languages if programme else LANGUAGES

    def programme(self, recorded: Recorded) -> Programme | None:
        """As it was when the sale took place; None: it was never published."""
        rulebook, name = self._rules(recorded), recorded.seen.store.programme
        known = rulebook.has_programme(name)
        return rulebook.programme(name, recorded.event.occurred_at) if known else None

    def _rules(self, recorded: Recorded) -> Rulebook:
        """Where the words of a sale stand: in the newest rulebook by when it took place. A quote may have decided it by
        an earlier one, of which later versions say nothing.
        """
        newest = self.rulebooks.newest
        if recorded.event.quote is None:
            return newest
        return self.rulebooks.at_hand(recorded.rulebook) or newest

    def offer(self, recorded: Recorded, offer: Offer, language: str) -> str:
        """A gift that the shopper may add, in a sentence."""
        fund = self.directory.party_name(offer.fund)
        if offer.points:
            programme = self.programme(recorded)
            scale = programme.points_scale if programme else 0
            return points_offer(fund, offer.points, scale, language)
        return money_offer(fund, offer.amount_minor, recorded.event.currency, language)

    def _given(self, recorded: Recorded, donation: Donation, language: str) -> Given:
        campaign, fund, points, money, units, _, from_points, from_money, *_ = donation
        if from_points:
            from_money = money - donation.matched  # what the shopper's points are worth to the fund
        return Given(
            self.directory.party_name(fund),
            points,
            money,
            units,
            self._product(recorded, donation.given_for),
            from_money,
            from_points,
            self._sentence_of(recorded, campaign, language),
        )

    def _sentence_of(self, recorded: Recorded, campaign: str, language: str) -> Template | None:
        """The author's sentence about a donation. It may speak of a match, so there is none where not all of that was
        booked.
        """
        found = self._in_force(recorded, campaign, "donation")
        if found is None:
            return None
        if found.match is not None:
            number = self._rulebook.number_of(campaign)
            codes = [
                reason.code for reason in recorded.outcome.reasons if reason.campaign == number
            ]
            if not any(map(is_matched, codes)):
                return None
        return self._sentence(found, language)

    def _notes(self, recorded: Recorded, language: str) -> tuple[Note, ...]:
        notes: list[Note] = []
        for campaign, points, _, positions, *_ in recorded.outcome.earned:
            found = self._in_force(recorded, campaign, "bonus")
            sentence = None if found is None else self._sentence(found, language)
            if sentence is not None and points:
                notes.append(Note(sentence, points, self._product(recorded, positions)))
        return tuple(notes)

    def _product(self, recorded: Recorded, positions: tuple[int, ...]) -> Name | None:
        """The product's name, if it is one product: the catalogue's, which knows cases, else the till's."""
        lines = recorded.event.lines
        if not positions or (len(positions) > 1 and len({lines[at].sku for at in positions}) > 1):
            return None
        line = lines[positions[0]]
        name = self.directory.product_name(line.sku)
        return name or (_as_printed(line.name) if line.name else None)

    def _in_force(self, recorded: Recorded, campaign: str, kind: str) -> Campaign | None:
        """The version of a campaign that was in force when the sale took place, if it gave such things then.

        What has been published for later, or since, says nothing of this sale.
        """
        found = self._rules(recorded).campaign_at(campaign, recorded.event.occurred_at)
        return None if found is None or found.kind != kind else found

    def _sentence(self, campaign: Campaign, language: str) -> Template | None:
        """The author's sentence, compiled once a rulebook."""
        key = (campaign.id, campaign.version, language)
        if key not in self._sentences:
            text = campaign.receipt.get(language)
            allowed = _VARIABLES[campaign.kind]
            self._sentences[key] = _compiled(text, language, allowed) if text else None
        return self._sentences[key]


_VARIABLES = {"bonus": BONUS_VARIABLES, "donation": DONATION_VARIABLES}


def _as_printed(told: Any) -> Name:
    """The name that a till sent, a text or a document."""
    return _named(told) if isinstance(told, str) else Name.of(told)


_named = lru_cache(REMEMBERED)(Name.of)
_compiled = lru_cache(REMEMBERED)(compile_template)


_GENDERS: dict[str | None, Gender] = {"male": "male", "female": "female"}


def person_of(shopper: ShopperRecord | None) -> Person | None:
    """Whom a receipt addresses; None where nobody is known by name."""
    if shopper is None or not shopper.first_name:
        return None
    return Person(shopper.first_name, _GENDERS.get(shopper.gender))

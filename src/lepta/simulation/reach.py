"""Which receipts a campaign can have anything to do with, told from their bytes: most are never parsed.

Stored bytes are canonical JSON, so a text stands in them exactly as `canonical` writes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lepta.processing.canonical import canonical
from lepta.rules.campaign import Campaign

_FEW = 16
"""Up to so many texts are looked for one by one; of more, all texts of a receipt are compared with them."""
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SALE = b'"kind":"checkout"'
_TILL = re.compile(rb'"till":\[("(?:[^"\\]|\\.)*"),"(?:[^"\\]|\\.)*","([^"]{10})"')


def place(leaf: bytes) -> tuple[bytes, str] | None:
    """(store's id as JSON, business day) of a sale's leaf; None for an event of another kind."""
    found = _TILL.search(leaf) if _SALE in leaf else None
    return None if found is None else (found[1], found[2].decode())


@dataclass(frozen=True, slots=True)
class Reach:
    """What all campaigns of interest reach together. None: everything."""

    stores: frozenset[bytes] | None
    texts: tuple[bytes, ...] | None
    """A receipt without any of them is touched by none."""
    _set: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Many texts are compared as a set."""
        object.__setattr__(self, "_set", frozenset(self.texts or ()))

    @classmethod
    def of(cls, campaigns: Iterable[Campaign], names: Iterable[str] = ()) -> "Reach":
        """Of these campaigns, and of every receipt that names one of `names` in its outcome."""
        stores: set[str] | None = set()
        texts: set[str] | None = set(names)
        everywhere = bool(texts)
        for campaign in campaigns:
            where, goods = campaign.where.stores, campaign.goods
            about = goods.skus or goods.brands or goods.categories
            stores = stores | where if stores is not None and where else None
            texts = texts | about if texts is not None and about else None
        return cls(
            None if everywhere else _written(stores),
            None if texts is None else tuple(_written(texts) or ()),
        )

    def holds(self, store: bytes, content: bytes) -> bool:
        """Whether the receipt of such content (see `processing.beside`) may be touched."""
        if self.stores is not None and store not in self.stores:
            return False
        texts = self.texts
        if texts is None:
            return True
        if len(texts) <= _FEW:
            return any(text in content for text in texts)
        return not self._set.isdisjoint(_TEXTS.findall(content))


EVERYTHING = Reach(None, None)


def _written(texts: Iterable[str] | None) -> frozenset[bytes] | None:
    return None if texts is None else frozenset(canonical(text) for text in texts)

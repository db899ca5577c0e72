"""The demo's programme: the documents of `programme/`, completed for the day's stores and households."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from lepta.demo import naming, people
from lepta.demo.day import Basket, baskets, products

Documents = dict[str, dict[str, Any]]
"""Documents by the id under which they are put."""

RETAILER = "retail-nsk"
PROGRAMME = "club"


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that is put through the office's API, in the order in which it must be."""

    parties: Documents
    programmes: Documents
    stores: Documents
    products: Documents
    members: Documents
    campaigns: Documents


def _folder() -> Traversable:
    return files("lepta.demo") / "programme"


def _read(name: str) -> Any:
    return yaml.safe_load((_folder() / name).read_text(encoding="utf-8"))


def campaigns() -> Documents:
    """Every campaign document, by its id, in the order of the ids."""
    folder = _folder() / "campaigns"
    texts = (f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".yaml"))
    found = [yaml.safe_load(text) for text in texts]
    return {
        campaign["campaign"]: campaign for campaign in sorted(found, key=lambda c: c["campaign"])
    }


@cache
def store_ids() -> dict[str, str]:
    """Our id of each of the data's stores: its city's prefix and its number."""
    cities = _read("stores.yaml")["cities"]
    ordered = sorted({basket.store for basket in baskets()}, key=int)
    return {n: f"{cities[i % len(cities)]['prefix']}-{n}" for i, n in enumerate(ordered)}


def _stores(numbers: set[str]) -> Documents:
    """Those of these numbers, and the first of every region: campaigns name regions, and only such as have stores."""
    described = _read("stores.yaml")
    cities = {city["prefix"]: city for city in described["cities"]}
    found: Documents = {}
    regions: set[str] = set()
    for number, store in store_ids().items():
        city = cities[store.split("-")[0]]
        if number not in numbers and city["region"] in regions:
            continue
        regions.add(city["region"])
        found[store] = {
            "retailer": RETAILER,
            "name": {
                "ru": f"{city['ru']}, магазин № {number}",
                "en": f"{city['en']}, store No. {number}",
            },
            "region": city["region"],
            "time_zone": city["time_zone"],
            "programme": PROGRAMME,
        }
    return {**found, **described["extra"]}


def _products(bought: set[str]) -> Documents:
    made: Documents = {
        sku: {"name": naming.name(p), "categories": naming.categories(p), "brand": p.brand}
        for sku, p in products().items()
        if sku in bought
    }
    return {**made, **_read("products.yaml")}


def _members(households: set[int]) -> Documents:
    names = _read("shoppers.yaml")
    found = {f"household-{h}": people.member(h, names) for h in sorted(households)}
    return {"peter": people.peter(), **found}


def setup(day: Sequence[Basket]) -> Setup:
    """All documents that these baskets need."""
    return Setup(
        parties=_read("parties.yaml"),
        programmes=_read("programme.yaml"),
        stores=_stores({basket.store for basket in day}),
        products=_products({line.product for basket in day for line in basket.lines}),
        members=_members({basket.household for basket in day}),
        campaigns=campaigns(),
    )

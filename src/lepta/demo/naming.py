"""Readable names and category slugs from the catalogue's capital letters and abbreviations."""

import re

from lepta.demo.day import Product

# Only what occurs often; the rest of the data's shorthand reads well enough.
WORDS = {
    "acc": "accessories", "btl": "bottle", "carb": "carbonated", "ckys": "cookies", "cndy": "candy",
    "cnd": "canned", "crkr": "crackers", "drnk": "drink", "drnks": "drinks", "dsh": "dish", "excl": "",
    "fd": "food", "frz": "frozen", "frzn": "frozen", "incl": "", "jce": "juice", "mx": "mix", "mxs": "mixes",
    "ny": "", "pkcktls": "pack cocktails", "pkgd": "packaged", "pnt": "peanut", "prem": "premium",
    "refrgratd": "refrigerated", "rw": "raw", "sald": "salad", "seaso": "seasoning", "sft": "soft",
    "sngl": "single", "snks": "snacks", "sndwch": "sandwich", "specilaty": "speciality", "sprd": "spread",
    "srv": "serve", "trsh": "trash", "veg": "vegetable", "wht": "white",
}  # fmt: skip

_UNCLOSED = re.compile(r"\([^)]*$")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def readable(text: str) -> str:
    """As people would write it: "SFT DRNK 2 LITER BTL CARB INCL" is "soft drink 2 liter bottle carbonated"."""
    cut = _UNCLOSED.sub("", text)
    words = [WORDS.get(word, word) for word in cut.lower().replace("/", " / ").split()]
    return " ".join(word for word in words if word).replace(" / ", "/").strip(" -/:")


def slug(text: str) -> str:
    """As a category is named: "FLUID MILK PRODUCTS" is "fluid-milk-products"; nothing stays ""."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-")


def name(product: Product) -> str:
    """What a receipt may call it: its type, else its category, else its department, else its number."""
    for text in (product.type, product.category, product.department):
        if words := readable(text):
            return words
    return f"product {product.product}"


def categories(product: Product) -> list[str]:
    """From wide to narrow, without repeats: department, category, type."""
    slugs = [slug(product.department), slug(product.category), slug(product.type)]
    if product.type.startswith("GASOLINE"):
        slugs.append("fuel")
    return list(dict.fromkeys(s for s in slugs if s))


def line_kind(product: Product | None) -> str:
    """What a till would call the line: gift cards and bottle deposits are not goods."""
    if product is None:
        return "goods"
    if "GIFT CARD" in product.type:
        return "gift-card"
    return "deposit" if product.category == "BOTTLE DEPOSITS" else "goods"

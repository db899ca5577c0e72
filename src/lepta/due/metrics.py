"""What operators watch of the days of lots."""

from prometheus_client import Counter, Gauge

MEMBERS = Counter(
    "lepta_lot_days_members", "Members who were told a day of their lots, by outcome.", ["outcome"]
)
POINTS = Counter(
    "lepta_lot_days_points", "Points that became available or expired, in smallest units.", ["what"]
)
LAST = Gauge(
    "lepta_lot_days_last_round_seconds", "When this process last looked whose lots are due (Unix)."
)

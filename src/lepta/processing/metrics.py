"""What operators watch of the write path."""

from prometheus_client import Counter, Histogram

EVENTS = Counter("lepta_events", "Events decided, by decision.", ["decision"])
REFUSED = Counter("lepta_queue_full", "Events turned away because the queue was full.")
FAILED = Counter("lepta_events_failed", "Events that could not be written: each one is a bug.")
BATCH = Histogram(
    "lepta_batch_events", "Events in one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)

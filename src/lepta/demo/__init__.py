"""The demo: a real day of grocery baskets, an invented programme, and the run that shows the main job.

The data (`data/`) and the programme (`programme/`) travel inside the package. Everything here is
deterministic: the same baskets, members and campaigns each time, whatever the machine.
"""

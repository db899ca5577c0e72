"""The effect forms of campaigns, one file each. A new form is a new file, named here.

Each has `Params` (what a campaign fills in), `gives` (how much that gives) and `KIND`.
"""

from lepta.rules.kinds import (
    bands,
    donated_money,
    donated_points,
    donated_revenue,
    ladder,
    multiply,
    points,
    points_per_amount,
    rate,
    round_up,
)

ALL = (
    points.KIND,
    points_per_amount.KIND,
    rate.KIND,
    ladder.KIND,
    multiply.KIND,
    donated_points.KIND,
    donated_money.KIND,
    donated_revenue.KIND,
    bands.KIND,
    round_up.KIND,
)

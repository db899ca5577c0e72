"""What a sale spends of a hold: what was held first, then what else may be spent, never more than a lot has."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lepta.ledger.lots import NEVER, Lot, Spent
from lepta.processing.held import NO_HOLD, Capture, Held
from lepta.processing.motion import Movement

DAY = date(2026, 11, 22)
LASTS = (DAY - timedelta(days=1), DAY, DAY + timedelta(days=9), NEVER)
MOVEMENT = Movement(0, 5, "hold", 1, "", b"", b"", (), {}, {}, {})

lots = st.lists(
    st.tuples(st.sampled_from(LASTS), st.integers(1, 4), st.integers(0, 1)), unique=True, max_size=6
)
points = st.integers(0, 9)


@st.composite
def captures(draw: st.DrawFn) -> tuple[list[Lot], Capture]:
    """Free lots, and a hold of points of some of them and of others; `in_time` or not."""
    places = draw(lots)
    free = [Lot(*place, draw(points)) for place in places]
    held = [Spent(Lot(*place, 0), draw(points)) for place in draw(lots)]
    kept = sorted(spent for spent in held if spent.points)
    capture = Capture(Held(MOVEMENT, kept, None), is_open=True, in_time=draw(st.booleans()))
    return [lot for lot in free if lot.remaining], capture


@given(captures(), st.data())
def test_held_points_go_first_and_all_that_may_be_spent_can_be(
    case: tuple[list[Lot], Capture], data: st.DataObject
) -> None:
    free, capture = case
    assert capture.held is not None
    held = {spent.lot[:3]: spent.points for spent in capture.held.lots}
    open_ = {lot[:3]: lot.remaining for lot in free}
    most = sum(p for place, p in open_.items() if place[0] >= DAY) + capture.more(DAY)
    wanted = data.draw(st.integers(0, most))
    spent = capture.spend(free, wanted, DAY)
    assert sum(each.points for each in spent) == wanted
    taken = {each.lot[:3]: each.points for each in spent}
    assert len(taken) == len(spent)
    for each in spent:
        place = each.lot[:3]
        # As the lot is once the hold's points are back in it.
        assert each.lot.remaining == held.get(place, 0) + open_.get(place, 0)
        assert 0 < each.points <= each.lot.remaining
        if place[0] < DAY:
            assert capture.in_time
            assert each.points <= held.get(place, 0)
    if capture.in_time:
        of_hold = sum(min(taken.get(place, 0), part) for place, part in held.items())
        assert of_hold == min(wanted, sum(held.values()))


@given(lots)
def test_a_hold_that_is_over_gives_nothing_to_spend(places: list[tuple[date, int, int]]) -> None:
    held = Held(MOVEMENT, [Spent(Lot(*place, 0), 3) for place in places], 9)
    over = Capture(held)
    assert (over.more(DAY), over.moves, NO_HOLD.more(DAY)) == (0, (), 0)
    free = [Lot(NEVER, 1, 0, 5)]
    assert over.spend(free, 5, DAY) == NO_HOLD.spend(free, 5, DAY) == [Spent(free[0], 5)]


def test_times_of_holds_are_exact_to_the_millisecond() -> None:
    at = datetime.fromisoformat("2026-11-22T11:15:04.123+00:00")
    movement = MOVEMENT._replace(outcome={"expires_at": 1_795_346_104_123})
    assert Held(movement, (), None).expires_at == at

"""The statements of a batch, however many events: some that read and one that writes. All are bound to one shard.

A batch's keys are looked up one by one, by index: `LATERAL (… OFFSET 0)` leaves the planner no other way. A
plain join made its plan while the tables were empty, read a whole shard for each key from then on, and took
nine tenths of the database's time. Rows to change are found the same way, by where they lie (`ctid`): nobody
else can move them while the head's lock is held.
"""

from itertools import count

LOCK_HEAD = """
    SELECT size, frontier, rulebook, next_account, partition_width, partitioned_to
    FROM log_head WHERE shard = $1 FOR UPDATE
"""
OPEN_PARTITIONS = "SELECT lepta_open_partitions($1::smallint, $2::bigint)"
READ_EVENTS = """
    SELECT k.log_index, e.leaf, e.beside
    FROM unnest($2::bigint[]) AS k (log_index)
    CROSS JOIN LATERAL (
        SELECT leaf, beside FROM event WHERE shard = $1 AND log_index = k.log_index OFFSET 0
    ) e
"""
READ_SHOPPERS = """
    SELECT k.card, c.status, m.ref, m.tier, m.segments, m.first_name, m.gender, m.language, m.birthday, m.joined_on,
        m.since, c.active_since, m.choices::text
    FROM unnest($1::text[]) AS k (card)
    CROSS JOIN LATERAL (SELECT status, active_since, member FROM card WHERE card = k.card OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT ref, tier, segments, first_name, gender, language, birthday, joined_on, since, choices
        FROM member WHERE id = c.member OFFSET 0
    ) m
"""
# What tiers and segments were from a moment on, the earliest first: asked for where a sale comes in that late.
READ_FORMER = """
    SELECT k.card, h.until, h.tier, h.segments
    FROM unnest($1::text[], $2::timestamptz[]) AS k (card, moment)
    CROSS JOIN LATERAL (SELECT member FROM card WHERE card = k.card OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT until, tier, segments FROM member_history
        WHERE member = c.member AND until > k.moment ORDER BY until OFFSET 0
    ) h
"""
# All that may only be read under the head's lock, in one row: names that are taken, and by what; members' accounts with
# their balances and the open lots that matter; what has been used of limits; accounts of parties and assets that other
# processes have opened since; and how often the office has changed something. (The statement that waits for the lock
# could not say that: it sees other tables as they were when it began to wait.)
READ_LEDGER = """
    SELECT ARRAY(
        SELECT ROW(k.scope, k.key, i.log_index, i.refusal)
        FROM unnest($2::smallint[], $3::bytea[]) AS k (scope, key)
        CROSS JOIN LATERAL (
            SELECT log_index, refusal FROM idempotency
            WHERE shard = $1 AND scope = k.scope AND key = k.key OFFSET 0
        ) i
    ) AS claims, ARRAY(
        SELECT ROW(k.ref, a.id, a.code, a.asset, b.balance, ARRAY(
            SELECT ROW(expires_on, log_index, leg, remaining, issuer) FROM lot
            WHERE shard = $1 AND account = a.id AND expires_on <= k.until AND a.code = 'available'
        ))
        FROM unnest($4::text[], $5::date[]) AS k (ref, until)
        CROSS JOIN LATERAL (
            SELECT id, code, asset FROM account WHERE shard = $1 AND ref = k.ref AND kind = 'member' OFFSET 0
        ) a
        CROSS JOIN LATERAL (
            SELECT credits - debits AS balance FROM account_balance WHERE shard = $1 AND account = a.id OFFSET 0
        ) b
    ) AS members, ARRAY(
        SELECT ROW(k.counter, c.used)
        FROM unnest($6::text[]) AS k (counter)
        CROSS JOIN LATERAL (
            SELECT used FROM budget WHERE shard = $1 AND counter = k.counter
            UNION ALL
            SELECT used FROM usage WHERE shard = $1 AND counter = k.counter OFFSET 0
        ) c
    ) AS counts, ARRAY(
        SELECT ROW(id, name) FROM asset WHERE id > $7
    ) AS assets, ARRAY(
        SELECT ROW(id, kind, ref, code, asset) FROM account
        WHERE shard = $1 AND id >= $8 AND kind <> 'member' ORDER BY id
    ) AS parties, ARRAY(
        SELECT version FROM office_version ORDER BY what
    ) AS versions
"""
# What acts need: the sales that they name, what took parts of those back before, and all that a member has.
FIND_SUBJECTS = """
    SELECT i.key, i.log_index FROM unnest($2::bytea[]) AS k (key)
    CROSS JOIN LATERAL (
        SELECT key, log_index FROM idempotency WHERE shard = $1 AND scope = 1 AND key = k.key OFFSET 0
    ) i
"""
READ_UNDONE = """
    SELECT k.log_index, r.log_index, e.leaf, e.beside
    FROM unnest($2::bigint[]) AS k (log_index)
    CROSS JOIN LATERAL (
        SELECT log_index FROM reversal WHERE shard = $1 AND subject = k.log_index OFFSET 0
    ) r
    CROSS JOIN LATERAL (
        SELECT leaf, beside FROM event WHERE shard = $1 AND log_index = r.log_index OFFSET 0
    ) e
    WHERE r.log_index < $3
    ORDER BY r.log_index
"""
# What became of a sale's lots on their last day stands in its member's events of kind `lots`.
READ_ENDED = """
    SELECT k.sale, e.leaf, e.beside
    FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) AS k (member, sale, since)
    CROSS JOIN LATERAL (
        SELECT leaf, beside FROM event
        WHERE shard = $1 AND member = k.member AND log_index > k.since AND kind = 5 OFFSET 0
    ) e
"""
# Of voids that came first the sales, as far as these are recorded by now.
READ_VOIDED = """
    SELECT k.void, r.subject FROM unnest($2::bigint[]) AS k (void)
    CROSS JOIN LATERAL (
        SELECT subject FROM reversal WHERE shard = $1 AND log_index = k.void OFFSET 0
    ) r
"""
READ_TAKEN_BACK = """
    SELECT DISTINCT k.sale FROM unnest($2::bigint[]) AS k (sale)
    CROSS JOIN LATERAL (
        SELECT log_index FROM reversal WHERE shard = $1 AND subject = k.sale OFFSET 0
    ) r
    CROSS JOIN LATERAL (
        SELECT kind FROM event WHERE shard = $1 AND log_index = r.log_index OFFSET 0
    ) e
    WHERE e.kind = 3
"""
READ_CLAIMED = """
    SELECT k.sale, e.leaf, e.beside FROM unnest($2::bigint[]) AS k (sale)
    CROSS JOIN LATERAL (SELECT log_index FROM claimed WHERE shard = $1 AND sale = k.sale OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT leaf, beside FROM event WHERE shard = $1 AND log_index = c.log_index OFFSET 0
    ) e
"""
# Who members became, and whom those became in their turn.
READ_HEIRS = """
    WITH RECURSIVE chain AS (
        SELECT k.ref AS member, m.log_index, m.into_ref
        FROM unnest($2::text[]) AS k (ref)
        CROSS JOIN LATERAL (SELECT log_index, into_ref FROM merged WHERE shard = $1 AND ref = k.ref OFFSET 0) m
        UNION
        SELECT c.member, m.log_index, m.into_ref
        FROM chain c
        CROSS JOIN LATERAL (SELECT log_index, into_ref FROM merged WHERE shard = $1 AND ref = c.into_ref OFFSET 0) m
    )
    SELECT member, log_index, into_ref FROM chain ORDER BY log_index
"""
READ_ACCOUNTS = """
    SELECT k.ref, s.name, a.id FROM unnest($2::text[]) AS k (ref)
    CROSS JOIN LATERAL (
        SELECT id, asset FROM account WHERE shard = $1 AND ref = k.ref AND kind = 'member' AND code = 'available' OFFSET 0
    ) a
    JOIN asset s ON s.id = a.asset
"""
# What a merger needs besides: both records, unless somebody is changing them; all events of who is merged, for the names
# of their counters; and what they gave.
LOCK_MEMBERS = """
    SELECT id, ref, merged_into FROM member WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE SKIP LOCKED
"""
READ_ALL_OF = "SELECT leaf, beside FROM event WHERE shard = $1 AND member = ANY($2::integer[])"
READ_GIVEN = """
    SELECT s.member, s.campaign, a.ref, s.points, s.money_minor
    FROM supporter s JOIN account a ON a.shard = s.shard AND a.id = s.fund
    WHERE s.shard = $1 AND s.member = ANY($2::integer[])
"""
INSERT_CLAIMED = "INSERT INTO claimed (shard, sale, log_index) VALUES ($1, $2, $3)"
HAND_OVER_HOLDS = "UPDATE hold SET account = $3 WHERE shard = $1 AND account = $2"
INSERT_MERGED = "INSERT INTO merged (shard, log_index, ref, into_ref) VALUES ($1, $2, $3, $4)"
HAND_OVER_CARDS = """
    UPDATE card SET member = $2, position = position + (SELECT coalesce(max(position), -1) + 1 FROM card WHERE member = $2)
    WHERE member = $1
"""
# Who has been a member for longer stays one for as long; of two choices in a campaign that of who stays holds.
MERGE_MEMBERS = """
    UPDATE member m SET revision = m.revision + 1,
        merged_into = CASE m.id WHEN $1 THEN $2 END,
        joined_on = CASE m.id WHEN $1 THEN m.joined_on ELSE least(m.joined_on, other.joined_on) END,
        choices = CASE m.id WHEN $2 THEN coalesce(other.choices || m.choices, other.choices, m.choices) END
    FROM member other WHERE m.id IN ($1, $2) AND other.id IN ($1, $2) AND other.id <> m.id
"""
CHANGE_MEMBERS = "UPDATE office_version SET version = version + 1 WHERE what = 'member'"
READ_HOLDS = """
    SELECT k.log_index, e.leaf, e.beside, r.log_index
    FROM unnest($2::bigint[]) AS k (log_index)
    CROSS JOIN LATERAL (
        SELECT leaf, beside FROM event WHERE shard = $1 AND log_index = k.log_index AND kind = 6 OFFSET 0
    ) e
    LEFT JOIN LATERAL (
        SELECT log_index FROM resolution WHERE shard = $1 AND hold = k.log_index OFFSET 0
    ) r ON true
"""
READ_HOLDINGS = """
    SELECT k.ref, a.id, a.code, s.name, b.balance, ARRAY(
        SELECT ROW(expires_on, log_index, leg, remaining, issuer, available_on) FROM lot
        WHERE shard = $1 AND account = a.id
    )
    FROM unnest($2::text[]) AS k (ref)
    CROSS JOIN LATERAL (
        SELECT id, code, asset FROM account WHERE shard = $1 AND ref = k.ref AND kind = 'member' OFFSET 0
    ) a
    CROSS JOIN LATERAL (
        SELECT credits - debits AS balance FROM account_balance WHERE shard = $1 AND account = a.id OFFSET 0
    ) b
    JOIN asset s ON s.id = a.asset
"""
READ_CHANGES = "SELECT number, change FROM rulebook WHERE number > $1 ORDER BY number"
READ_CHANGES_UP_TO = "SELECT change FROM rulebook WHERE number <= $1 ORDER BY number"
READ_QUOTE_SECRET = "SELECT secret FROM quote_secret"  # noqa: S105 - the question, not the answer
# For who only asks: what `LOCK_HEAD` reads, and the versions of the office's records.
SEE_HEAD = """
    SELECT size, rulebook, next_account, (SELECT array_agg(version ORDER BY what) FROM office_version) AS versions
    FROM log_head WHERE shard = $1
"""
READ_LEAF_HASH = "SELECT leaf_hash FROM event WHERE shard = $1 AND log_index = $2"

INSERT_ASSETS = "INSERT INTO asset (id, name) SELECT * FROM unnest($1::smallint[], $2::text[])"
# Not of a member who was erased meanwhile.
INSERT_REASONS = """
    INSERT INTO adjustment_reason (shard, log_index, reason)
    SELECT $1, k.log_index, k.reason
    FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS k (log_index, reason, ref, to_ref)
    WHERE NOT EXISTS (SELECT FROM departed d WHERE d.ref = k.ref OR d.ref = k.to_ref)
"""
INSERT_SECONDS = """
    INSERT INTO second_member (shard, member, log_index) SELECT $1, * FROM unnest($2::integer[], $3::bigint[])
"""
# Only where something is suspicious: no ordinary batch has it.
INSERT_SUSPICIONS = """
    INSERT INTO suspicion (shard, log_index, kinds, store, business_day)
    SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::date[])
"""
INSERT_RULEBOOK = "INSERT INTO rulebook (number, digest, change) VALUES ($1, $2, $3)"
# What was given is never taken back by a smaller limit: the grant stays at least what is used.
GRANT_BUDGETS = """
    INSERT INTO budget (shard, counter, granted) SELECT $1, * FROM unnest($2::text[], $3::bigint[])
    ON CONFLICT (shard, counter) DO UPDATE SET granted = greatest(budget.used, excluded.granted)
"""


_NUMBERS = count(2)


def _rows(types: str) -> str:
    """Rows out of arrays, one of each of these types: the next parameters of `APPEND`."""
    arrays = ", ".join(f"${next(_NUMBERS)}::{name}[]" for name in types.split())
    return f"unnest({arrays})"


def _placed(table: str, types: str, key: str, values: str) -> str:
    """Rows out of arrays, each with the `place` of the row in `table` that it changes, found by the first of them."""
    told = ", ".join(f"k.{name}" for name in values.split(", "))
    return f"""(
            SELECT a.place, {told}
            FROM {_rows(types)} AS k ({key}, {values})
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM {table} WHERE shard = $1 AND {key} = k.{key} OFFSET 0
            ) a
        )"""  # noqa: S608 - names from this file


# All that a batch writes, in one round trip; a part with nothing to write gets empty arrays. `UPDATE 1` is its proof.
# $1 is the shard; all others are numbered in the order in which they stand here.
# No row is written twice: an account opened just now gets its final sums at once, the others are moved. Balances are
# not upserted, since CHECK looks at the row offered for insertion: a redemption would be refused however many points
# the member has.
APPEND = f"""
    WITH opened AS (
        INSERT INTO account (shard, id, kind, ref, code, asset, log_index)
        SELECT $1, * FROM {_rows("integer text text text smallint bigint")}
    ), first_balances AS (
        INSERT INTO account_balance (shard, account, limit_side, debits, credits)
        SELECT $1, * FROM {_rows("integer smallint bigint bigint")}
    ), balances AS (
        UPDATE account_balance b SET debits = b.debits + m.debits, credits = b.credits + m.credits
        FROM {_placed("account_balance", "integer bigint bigint", "account", "debits, credits")} m
        WHERE b.ctid = m.place
    ), events AS (
        INSERT INTO event (shard, log_index, member, kind, leaf, beside, leaf_hash)
        SELECT $1, * FROM {_rows("bigint integer smallint bytea bytea bytea")}
    ), entries AS (
        INSERT INTO entry (shard, log_index, leg, debit, credit, asset, amount, code)
        SELECT $1, * FROM {_rows("bigint smallint integer integer smallint bigint smallint")}
    ), claims AS (
        INSERT INTO idempotency (shard, scope, key, log_index, refusal, digest)
        SELECT $1, * FROM {_rows("smallint bytea bigint bytea bytea")}
    ), new_lots AS (
        INSERT INTO lot (shard, account, expires_on, log_index, leg, remaining, issuer, available_on)
        SELECT $1, * FROM {_rows("integer date bigint smallint bigint integer date")}
    ), touched_lots AS MATERIALIZED (
        SELECT a.place, k.remaining
        FROM {_rows("integer date bigint smallint bigint")}
            AS k (account, expires_on, log_index, leg, remaining)
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM lot
            WHERE shard = $1 AND account = k.account AND expires_on = k.expires_on
                AND log_index = k.log_index AND leg = k.leg OFFSET 0
        ) a
    ), lots_left AS (
        UPDATE lot l SET remaining = m.remaining FROM touched_lots m WHERE m.remaining > 0 AND l.ctid = m.place
    ), lots_closed AS (
        DELETE FROM lot l USING touched_lots m WHERE m.remaining = 0 AND l.ctid = m.place
    ), allocations AS (
        INSERT INTO lot_allocation (shard, log_index, seq, account, lot_log_index, lot_leg, expires_on, amount)
        SELECT $1, * FROM {_rows("bigint smallint integer bigint smallint date bigint")}
    ), budgets AS (
        UPDATE budget b SET used = b.used + m.used
        FROM {_placed("budget", "text bigint", "counter", "used")} m
        WHERE b.ctid = m.place
    ), usages AS (
        INSERT INTO usage (shard, counter, used) SELECT $1, * FROM {_rows("text bigint")}
        ON CONFLICT (shard, counter) DO UPDATE SET used = usage.used + excluded.used
    ), released AS (
        UPDATE usage u SET used = u.used - m.released
        FROM {_placed("usage", "text bigint", "counter", "released")} m
        WHERE u.ctid = m.place
    ), reversals AS (
        INSERT INTO reversal (shard, subject, log_index) SELECT $1, * FROM {_rows("bigint bigint")}
    ), holds AS (
        INSERT INTO hold (shard, log_index, account, points, expires_at)
        SELECT $1, log_index, account, points, timestamptz 'epoch' + expires_at_ms * interval '1 millisecond'
        FROM {_rows("bigint integer bigint bigint")} AS k (log_index, account, points, expires_at_ms)
    ), resolutions AS MATERIALIZED (
        SELECT * FROM {_rows("bigint bigint")} AS k (hold, log_index)
    ), ended AS (
        INSERT INTO resolution (shard, hold, log_index) SELECT $1, hold, log_index FROM resolutions
    ), closed_holds AS (
        DELETE FROM hold h USING (
            SELECT a.place FROM resolutions k
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM hold WHERE shard = $1 AND log_index = k.hold OFFSET 0
            ) a
        ) m
        WHERE h.ctid = m.place
    ), given AS MATERIALIZED (
        SELECT k.*, s.place, coalesce(s.points, 0) + k.points = 0
            AND coalesce(s.money_minor, 0) + k.money_minor = 0 AS nothing
        FROM {_rows("integer integer integer bigint bigint integer")}
            AS k (member, campaign, fund, points, money_minor, standing)
        LEFT JOIN LATERAL (
            SELECT ctid AS place, points, money_minor FROM supporter
            WHERE shard = $1 AND member = k.member AND campaign = k.campaign AND fund = k.fund OFFSET 0
        ) s ON true
    ), gave_again AS (
        UPDATE supporter s SET points = s.points + g.points, money_minor = s.money_minor + g.money_minor
        FROM given g WHERE s.ctid = g.place AND NOT g.nothing
    ), gave_first AS (
        INSERT INTO supporter (shard, member, campaign, fund, points, money_minor)
        SELECT $1, member, campaign, fund, points, money_minor FROM given WHERE place IS NULL AND NOT nothing
    ), took_all_back AS (
        DELETE FROM supporter s USING given g WHERE s.ctid = g.place AND g.nothing
    ), standings AS (
        INSERT INTO standing (shard, campaign, fund, donations, points, money_minor, shoppers)
        SELECT $1, min(campaign), min(fund), sum(donations), sum(points), sum(money_minor), sum(shoppers)
        FROM (
            SELECT *, 0 AS shoppers FROM {_rows("integer text text bigint bigint bigint")}
                AS k (number, campaign, fund, donations, points, money_minor)
            UNION ALL
            SELECT standing, NULL, NULL, 0, 0, 0, CASE WHEN nothing THEN -1 ELSE 1 END
            FROM given WHERE (place IS NULL) <> nothing
        ) s
        GROUP BY number
        ON CONFLICT (shard, campaign, fund) DO UPDATE SET
            donations = standing.donations + excluded.donations,
            shoppers = standing.shoppers + excluded.shoppers,
            points = standing.points + excluded.points,
            money_minor = standing.money_minor + excluded.money_minor
    ), tiles AS (
        INSERT INTO tile (shard, level, n, hash) SELECT $1, * FROM {_rows("smallint bigint bytea")}
    )
    UPDATE log_head SET size = ${next(_NUMBERS)}, root = ${next(_NUMBERS)}, frontier = ${next(_NUMBERS)},
        rulebook = ${next(_NUMBERS)}, next_account = ${next(_NUMBERS)}
    WHERE shard = $1 AND size = ${next(_NUMBERS)}
"""  # noqa: S608 - nothing but types and numbers is put in
WAIT_FOR_HEAD = "SELECT size FROM log_head WHERE shard = $1 FOR UPDATE"

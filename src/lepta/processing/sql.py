"""The statements of a batch: one a table, however many events. All are bound to one shard.

A batch's keys are looked up one by one, by index: `LATERAL (… OFFSET 0)` leaves the planner no other way. A
plain join made its plan while the tables were empty, read a whole shard for each key from then on, and took
nine tenths of the database's time. Rows to change are found the same way, by where they lie (`ctid`): nobody
else can move them while the head's lock is held.
"""

LOCK_HEAD = """
    SELECT size, root, frontier, rulebook, next_account, partition_width, partitioned_to,
        (SELECT array_agg(version ORDER BY what) FROM office_version) AS versions
    FROM log_head WHERE shard = $1 FOR UPDATE
"""
OPEN_PARTITIONS = "SELECT lepta_open_partitions($1::smallint, $2::bigint)"
FIND_CLAIMS = """
    SELECT k.scope, k.key, i.log_index, i.refusal
    FROM unnest($2::smallint[], $3::bytea[]) AS k (scope, key)
    CROSS JOIN LATERAL (
        SELECT log_index, refusal FROM idempotency
        WHERE shard = $1 AND scope = k.scope AND key = k.key OFFSET 0
    ) i
"""
READ_EVENTS = """
    SELECT k.log_index, e.leaf, e.beside, e.salt, e.facts, e.basket
    FROM unnest($2::bigint[]) AS k (log_index)
    CROSS JOIN LATERAL (
        SELECT leaf, beside, salt, facts, basket FROM event
        WHERE shard = $1 AND log_index = k.log_index OFFSET 0
    ) e
"""
READ_SHOPPERS = """
    SELECT k.card, c.status, m.ref, m.tier, m.segments, m.first_name, m.gender, m.language,
        a.id, a.code, a.asset, a.balance
    FROM unnest($2::text[]) AS k (card)
    CROSS JOIN LATERAL (SELECT status, member FROM card WHERE card = k.card OFFSET 0) c
    CROSS JOIN LATERAL (
        SELECT ref, tier, segments, first_name, gender, language FROM member WHERE id = c.member OFFSET 0
    ) m
    LEFT JOIN LATERAL (
        SELECT n.id, n.code, n.asset, b.balance
        FROM (
            SELECT id, code, asset FROM account WHERE shard = $1 AND ref = m.ref AND kind = 'member' OFFSET 0
        ) n
        CROSS JOIN LATERAL (
            SELECT credits - debits AS balance FROM account_balance
            WHERE shard = $1 AND account = n.id OFFSET 0
        ) b
    ) a ON true
"""
READ_PARTY_ACCOUNTS = """
    SELECT id, kind, ref, code, asset FROM account
    WHERE shard = $1 AND id >= $2 AND kind <> 'member'
"""
READ_ASSETS = "SELECT id, name FROM asset"
READ_LOTS = """
    SELECT k.account, l.expires_on, l.log_index, l.leg, l.remaining
    FROM unnest($2::bigint[], $3::date[]) AS k (account, until)
    CROSS JOIN LATERAL (
        SELECT expires_on, log_index, leg, remaining FROM lot
        WHERE shard = $1 AND account = k.account AND expires_on <= k.until OFFSET 0
    ) l
"""
READ_COUNTS = """
    SELECT k.counter, c.used
    FROM unnest($2::text[]) AS k (counter)
    CROSS JOIN LATERAL (
        SELECT used FROM budget WHERE shard = $1 AND counter = k.counter
        UNION ALL
        SELECT used FROM usage WHERE shard = $1 AND counter = k.counter OFFSET 0
    ) c
"""
READ_HEAD = """
    SELECT rulebook, (SELECT array_agg(version ORDER BY what) FROM office_version) AS versions
    FROM log_head WHERE shard = $1
"""
READ_CHANGES = "SELECT number, change FROM rulebook WHERE number > $1 ORDER BY number"
READ_LEAF_HASH = "SELECT leaf_hash FROM event WHERE shard = $1 AND log_index = $2"

INSERT_ASSETS = "INSERT INTO asset (id, name) SELECT * FROM unnest($1::smallint[], $2::text[])"
INSERT_ACCOUNTS = """
    INSERT INTO account (shard, id, kind, ref, code, asset, log_index)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::bigint[])
"""
INSERT_BALANCES = """
    INSERT INTO account_balance (shard, account, limit_side)
    SELECT $1, * FROM unnest($2::bigint[], $3::smallint[])
"""
INSERT_EVENT = """
    INSERT INTO event (shard, received_at, log_index, occurred_at, member, kind,
                       leaf, leaf_hash, salt, facts, basket, beside)
    VALUES ($1, $2, $3, $2, NULL, $4, $5, $6, '', '', '', $7)
"""
# All that every batch of sales writes, in one round trip; a part with nothing to write gets empty arrays.
# Balances are not upserted: CHECK looks at the row offered for insertion, so a redemption would be refused
# however many points the member has. Accounts are opened with zero rows by a statement before.
APPEND_SALES = """
    WITH events AS (
        INSERT INTO event (shard, received_at, log_index, occurred_at, member, kind,
                           leaf, leaf_hash, salt, facts, basket, beside)
        SELECT $1, $2, * FROM unnest($3::bigint[], $4::timestamptz[], $5::bigint[], $6::smallint[],
            $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[])
    ), entries AS (
        INSERT INTO entry (shard, log_index, leg, debit, credit, asset, amount, code)
        SELECT $1, * FROM unnest($13::bigint[], $14::smallint[], $15::bigint[], $16::bigint[],
            $17::smallint[], $18::bigint[], $19::smallint[])
    ), balances AS (
        UPDATE account_balance b SET debits = b.debits + m.debits, credits = b.credits + m.credits
        FROM (
            SELECT a.place, k.debits, k.credits
            FROM unnest($20::bigint[], $21::bigint[], $22::bigint[]) AS k (account, debits, credits)
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM account_balance WHERE shard = $1 AND account = k.account OFFSET 0
            ) a
        ) m
        WHERE b.ctid = m.place
    )
    INSERT INTO lot (shard, account, expires_on, log_index, leg, remaining, available_on)
    SELECT $1, * FROM unnest($23::bigint[], $24::date[], $25::bigint[], $26::smallint[], $27::bigint[],
        $28::date[])
"""
INSERT_CLAIMS = """
    INSERT INTO idempotency (shard, scope, key, log_index, refusal, digest)
    SELECT $1, * FROM unnest($2::smallint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[])
"""
UPDATE_LOTS = """
    UPDATE lot l SET remaining = m.remaining
    FROM (
        SELECT a.place, k.remaining
        FROM unnest($2::bigint[], $3::date[], $4::bigint[], $5::smallint[], $6::bigint[])
            AS k (account, expires_on, log_index, leg, remaining)
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM lot
            WHERE shard = $1 AND account = k.account AND expires_on = k.expires_on
                AND log_index = k.log_index AND leg = k.leg OFFSET 0
        ) a
    ) m
    WHERE l.ctid = m.place
"""
CLOSE_LOTS = """
    DELETE FROM lot l
    USING (
        SELECT a.place
        FROM unnest($2::bigint[], $3::date[], $4::bigint[], $5::smallint[])
            AS k (account, expires_on, log_index, leg)
        CROSS JOIN LATERAL (
            SELECT ctid AS place FROM lot
            WHERE shard = $1 AND account = k.account AND expires_on = k.expires_on
                AND log_index = k.log_index AND leg = k.leg OFFSET 0
        ) a
    ) m
    WHERE l.ctid = m.place
"""
INSERT_ALLOCATIONS = """
    INSERT INTO lot_allocation (shard, log_index, seq, account, lot_log_index, lot_leg, expires_on, amount)
    SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::smallint[],
                             $7::date[], $8::bigint[])
"""
USE_LIMITS = """
    WITH budgets AS (
        UPDATE budget b SET used = b.used + m.used
        FROM (
            SELECT a.place, k.used
            FROM unnest($2::text[], $3::bigint[]) AS k (counter, used)
            CROSS JOIN LATERAL (
                SELECT ctid AS place FROM budget WHERE shard = $1 AND counter = k.counter OFFSET 0
            ) a
        ) m
        WHERE b.ctid = m.place
    )
    INSERT INTO usage (shard, counter, used) SELECT $1, * FROM unnest($4::text[], $5::bigint[])
    ON CONFLICT (shard, counter) DO UPDATE SET used = usage.used + excluded.used
"""
# What was given is never taken back by a smaller limit: the grant stays at least what is used.
GRANT_BUDGETS = """
    INSERT INTO budget (shard, counter, granted) SELECT $1, * FROM unnest($2::text[], $3::bigint[])
    ON CONFLICT (shard, counter) DO UPDATE SET granted = greatest(budget.used, excluded.granted)
"""
# `xmax` is 0 on a row that was inserted just now: a shopper who gives here for the first time.
ADD_DONATIONS = """
    WITH given AS (
        INSERT INTO supporter (shard, member, campaign, fund, donations, points, money_minor)
        SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
        ON CONFLICT (shard, member, campaign, fund) DO UPDATE SET
            donations = supporter.donations + excluded.donations,
            points = supporter.points + excluded.points,
            money_minor = supporter.money_minor + excluded.money_minor
        RETURNING campaign, fund, xmax = 0 AS first
    )
    INSERT INTO standing (shard, campaign, fund, donations, points, money_minor, shoppers)
    SELECT $1, s.*, (SELECT count(*) FROM given g WHERE g.campaign = s.campaign AND g.fund = s.fund AND g.first)
    FROM unnest($8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[])
        AS s (campaign, fund, donations, points, money_minor)
    ON CONFLICT (shard, campaign, fund) DO UPDATE SET
        donations = standing.donations + excluded.donations,
        shoppers = standing.shoppers + excluded.shoppers,
        points = standing.points + excluded.points,
        money_minor = standing.money_minor + excluded.money_minor
"""
INSERT_RULEBOOK = "INSERT INTO rulebook (number, digest, change) VALUES ($1, $2, $3)"
INSERT_TILES = """
    INSERT INTO tile (shard, level, n, hash)
    SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])
"""
MOVE_HEAD = """
    UPDATE log_head SET size = $2, root = $3, frontier = $4, rulebook = $5, next_account = $6
    WHERE shard = $1 AND size = $7
"""
WAIT_FOR_HEAD = "SELECT size FROM log_head WHERE shard = $1 FOR UPDATE"

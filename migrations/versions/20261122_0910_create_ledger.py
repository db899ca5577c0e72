"""Create the ledger and its log, which nobody can change.

Why: what makes it a ledger holds in the database, so that a bug or a stray script cannot break it: an
entry is one row with both accounts, a limited account never goes below zero, a leaf is what was hashed,
and history is only ever added to: by role (INSERT and SELECT are all the service has) and by triggers
that stop the owner as well.
Old code against the new schema: there is none.
Locks: new tables only.
"""

from alembic import op

revision = "20261122_0910"
down_revision = "20261122_0900"
branch_labels = None
depends_on = None

HEAD = (
    # One row a shard. Its lock is the sequencer and the fence: who holds it decides the next events.
    """
    CREATE TABLE log_head (
        shard smallint PRIMARY KEY,
        size bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
        root bytea NOT NULL,
        frontier bytea NOT NULL DEFAULT '',
        rulebook bytea NOT NULL,
        next_account integer NOT NULL DEFAULT 1,
        partition_width bigint NOT NULL DEFAULT 1000000 CHECK (partition_width > 0),
        partitioned_to bigint NOT NULL DEFAULT 0,
        vkey text
    ) WITH (fillfactor = 20)
    """,
    # An empty log's root is SHA-256 of nothing (RFC 6962, 2.1); the empty rulebook's digest is zeros.
    "INSERT INTO log_head (shard, root, rulebook) VALUES (0, sha256(''), decode(repeat('00', 32), 'hex'))",
)

HISTORY = (
    # `beside` is what lies beside the log, under the leaf's digest of it; a publication has nothing there. Columns
    # stand from the widest to the narrowest, here and below, and are never null: so no byte is spent on gaps.
    """
    CREATE TABLE event (
        log_index bigint NOT NULL,
        member integer,
        shard smallint NOT NULL,
        kind smallint NOT NULL,
        leaf bytea NOT NULL CHECK (length(leaf) <= 65535),
        leaf_hash bytea NOT NULL CHECK (leaf_hash = sha256('\\x00'::bytea || leaf)),
        beside bytea NOT NULL,
        PRIMARY KEY (shard, log_index)
    ) PARTITION BY RANGE (log_index)
    """,
    "CREATE INDEX event_member ON event (shard, member, log_index) WHERE member IS NOT NULL",
    # Returns: those that no `reversal` names are nobody's, and for the office to look into.
    "CREATE INDEX event_return ON event (shard, log_index) WHERE kind = 4",
    # The key's columns stand so that they leave no gap; entries are asked for by log index and shard together.
    """
    CREATE TABLE entry (
        log_index bigint NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        debit integer NOT NULL,
        credit integer NOT NULL CHECK (credit <> debit),
        shard smallint NOT NULL,
        leg smallint NOT NULL,
        asset smallint NOT NULL,
        code smallint NOT NULL,
        PRIMARY KEY (log_index, shard, leg)
    ) PARTITION BY RANGE (log_index)
    """,
    """
    CREATE TABLE account (
        log_index bigint NOT NULL,
        id integer NOT NULL,
        shard smallint NOT NULL,
        asset smallint NOT NULL,
        kind text NOT NULL,
        ref text NOT NULL,
        code text NOT NULL,
        PRIMARY KEY (shard, id),
        UNIQUE (shard, ref, kind, code, asset)
    )
    """,
    # The few that are not members': a writer knows them all.
    "CREATE INDEX account_party ON account (shard, id) WHERE kind <> 'member'",
    """
    CREATE TABLE asset (
        id smallint PRIMARY KEY,
        name text NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE lot_allocation (
        log_index bigint NOT NULL,
        lot_log_index bigint NOT NULL,
        amount bigint NOT NULL CHECK (amount <> 0),
        account integer NOT NULL,
        expires_on date NOT NULL,
        shard smallint NOT NULL,
        seq smallint NOT NULL,
        lot_leg smallint NOT NULL,
        PRIMARY KEY (log_index, shard, seq)
    )
    """,
    # What took parts of a sale back, voids and returns. A void may come before its sale.
    """
    CREATE TABLE reversal (
        subject bigint NOT NULL,
        log_index bigint NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (subject, log_index, shard)
    )
    """,
    "CREATE INDEX reversal_by ON reversal (log_index)",
    # What ended a hold, a sale or a release: by its key at most one.
    """
    CREATE TABLE resolution (
        hold bigint NOT NULL,
        log_index bigint NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (hold, shard)
    )
    """,
    # Events that concern a second member besides the one in `event`: who was left points.
    """
    CREATE TABLE second_member (
        log_index bigint NOT NULL,
        member integer NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (member, log_index, shard)
    )
    """,
    # Sales that the office is to look into; `kinds` is a sum of powers of two (`rules.watch.KINDS`).
    """
    CREATE TABLE suspicion (
        log_index bigint NOT NULL,
        business_day date NOT NULL,
        shard smallint NOT NULL,
        kinds smallint NOT NULL CHECK (kinds > 0),
        store text NOT NULL,
        PRIMARY KEY (shard, log_index)
    )
    """,
    "CREATE INDEX suspicion_store ON suspicion (shard, store, log_index)",
    # Sales without a card that a member claimed, each at most once.
    """
    CREATE TABLE claimed (
        sale bigint NOT NULL,
        log_index bigint NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (sale, shard)
    )
    """,
    # Who was merged into whom, by their refs: each at most once.
    """
    CREATE TABLE merged (
        log_index bigint NOT NULL,
        shard smallint NOT NULL,
        ref text NOT NULL,
        into_ref text NOT NULL CHECK (into_ref <> ref),
        PRIMARY KEY (ref, shard)
    )
    """,
    "CREATE INDEX merged_into ON merged (into_ref)",
    # A recorded event's claim names it. Scope 2 are the tills' request headers: no leaf tells them, and a
    # stored refusal has no leaf at all, so these rows carry their own digest; the others have ''.
    """
    CREATE TABLE idempotency (
        log_index bigint,
        shard smallint NOT NULL,
        scope smallint NOT NULL,
        key bytea NOT NULL CHECK (length(key) = 16),
        refusal bytea NOT NULL,
        digest bytea NOT NULL CHECK (digest = CASE scope WHEN 2 THEN sha256(
            key || '\\x00'::bytea || convert_to(coalesce(log_index::text, ''), 'UTF8')
            || '\\x00'::bytea || refusal) ELSE '' END),
        PRIMARY KEY (shard, scope, key),
        CHECK ((log_index IS NULL) = (refusal <> '')),
        CHECK (refusal = '' OR scope = 2)
    )
    """,
    # A till's end of a shift, and what was found then. It stands in no leaf either, so it carries its own digest.
    """
    CREATE TABLE shift (
        business_day date NOT NULL,
        shard smallint NOT NULL,
        store text NOT NULL,
        till text NOT NULL,
        shift text NOT NULL,
        request bytea NOT NULL,
        answer bytea NOT NULL,
        digest bytea NOT NULL,
        PRIMARY KEY (shard, store, till, business_day, shift),
        CONSTRAINT shift_check CHECK (digest = sha256(request || '\\x00'::bytea || answer))
    )
    """,
    """
    CREATE TABLE checkpoint (
        shard smallint NOT NULL,
        size bigint NOT NULL,
        root bytea NOT NULL,
        note bytea NOT NULL,
        PRIMARY KEY (shard, size)
    )
    """,
    # Level 1 node n is the root of leaves 256n..256n+255, level 2 of 65,536 leaves, and so on; level 0
    # are the events' own leaf hashes.
    """
    CREATE TABLE tile (
        shard smallint NOT NULL,
        level smallint NOT NULL,
        n bigint NOT NULL,
        hash bytea NOT NULL,
        PRIMARY KEY (shard, level, n)
    )
    """,
    """
    CREATE TABLE rulebook (
        number integer PRIMARY KEY,
        digest bytea NOT NULL UNIQUE,
        change bytea NOT NULL
    )
    """,
)

# What may be given and what lies where: recomputable from history, and recomputed by `lepta verify`.
STATE = (
    # limit_side 1: credits never fall below debits. Updates move no index, so they stay on their page.
    """
    CREATE TABLE account_balance (
        debits bigint NOT NULL DEFAULT 0 CHECK (debits >= 0),
        credits bigint NOT NULL DEFAULT 0 CHECK (credits >= 0),
        account integer NOT NULL,
        shard smallint NOT NULL,
        limit_side smallint NOT NULL CHECK (limit_side IN (0, 1)),
        PRIMARY KEY (shard, account),
        CHECK (limit_side = 0 OR credits >= debits)
    ) WITH (fillfactor = 85)
    """,
    # Only lots with points left; what became of the others stands in lot_allocation. Points that never
    # expire have 'infinity' as their last day, those that do not wait no first one. Who issued them says who pays for
    # them where another retailer honours them.
    """
    CREATE TABLE lot (
        log_index bigint NOT NULL,
        remaining bigint NOT NULL CHECK (remaining > 0),
        account integer NOT NULL,
        expires_on date NOT NULL,
        issuer integer NOT NULL,
        shard smallint NOT NULL,
        leg smallint NOT NULL,
        available_on date,
        PRIMARY KEY (account, expires_on, log_index, shard, leg)
    )
    """,
    # Whose lots are due on a day is found by these. Lots of one day stand there together in the order in which they came:
    # adding one touches the page of the one before, and equal keys take seven bytes each.
    "CREATE INDEX lot_ends ON lot (shard, expires_on) WHERE expires_on < 'infinity'",
    "CREATE INDEX lot_waits ON lot (shard, available_on) WHERE available_on IS NOT NULL",
    # A hard cap. `granted` follows the newest published limit but never falls below what was given.
    """
    CREATE TABLE budget (
        shard smallint NOT NULL,
        counter text NOT NULL,
        used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
        granted bigint NOT NULL,
        PRIMARY KEY (shard, counter),
        CHECK (used <= granted)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE usage (
        shard smallint NOT NULL,
        counter text NOT NULL,
        used bigint NOT NULL CHECK (used >= 0),
        PRIMARY KEY (shard, counter)
    ) WITH (fillfactor = 70)
    """,
    # Only those that are open. `account` is the one that the member is known by.
    """
    CREATE TABLE hold (
        log_index bigint NOT NULL,
        points bigint NOT NULL CHECK (points > 0),
        expires_at timestamptz NOT NULL,
        account integer NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (shard, log_index)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX hold_expiry ON hold (expires_at)",
    # What one member gave through one campaign, by its number in the rulebook, to one fund, by the first account
    # that was opened for it; `standing` is the sum over members and others.
    """
    CREATE TABLE supporter (
        points bigint NOT NULL,
        money_minor bigint NOT NULL,
        member integer NOT NULL,
        campaign integer NOT NULL,
        fund integer NOT NULL,
        shard smallint NOT NULL,
        PRIMARY KEY (shard, member, campaign, fund)
    ) WITH (fillfactor = 85)
    """,
    # Words of the office about an adjustment. They may name a person, so they are neither in the log nor verified, and
    # go when the person is erased.
    """
    CREATE TABLE adjustment_reason (
        log_index bigint NOT NULL,
        shard smallint NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (shard, log_index)
    )
    """,
    """
    CREATE TABLE standing (
        donations bigint NOT NULL,
        shoppers bigint NOT NULL,
        points bigint NOT NULL,
        money_minor bigint NOT NULL,
        shard smallint NOT NULL,
        campaign text NOT NULL,
        fund text NOT NULL,
        PRIMARY KEY (shard, campaign, fund)
    ) WITH (fillfactor = 50)
    """,
)

APPEND_ONLY = (
    "account",
    "asset",
    "lot_allocation",
    "reversal",
    "resolution",
    "second_member",
    "suspicion",
    "merged",
    "claimed",
    "idempotency",
    "shift",
    "checkpoint",
    "tile",
    "rulebook",
)

REFUSE_CHANGE = """
    CREATE FUNCTION lepta_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$
"""

# A statement trigger fires once and also where no row matches; ALWAYS: also for replication roles.
GUARD = """
    CREATE PROCEDURE lepta_guard(guarded regclass) LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION lepta_refuse_change()', guarded);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', guarded);
    END $$
"""

# A parent's statement triggers do not fire for a statement on its partition: each gets its own. Attaching
# waits for nobody who reads; creating a partition in place would. A row stays in one piece (MAIN);
# PostgreSQL compresses only what is longer than 2 KB, which most events are not.
OPEN_PARTITIONS = """
    CREATE FUNCTION lepta_open_partitions(for_shard smallint, upto bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        width bigint;
        edge bigint;
        parent text;
        part text;
    BEGIN
        SELECT partition_width, partitioned_to INTO STRICT width, edge
            FROM public.log_head WHERE shard = for_shard FOR UPDATE;
        IF upto > edge + 100 * width THEN
            RAISE EXCEPTION 'asked to open partitions up to % from %', upto, edge;
        END IF;
        WHILE edge < upto LOOP
            FOREACH parent IN ARRAY ARRAY['event', 'entry'] LOOP
                part := format('%s_p%s', parent, lpad(edge::text, 12, '0'));
                EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', part, parent);
                EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                               parent, part, edge, edge + width);
                CALL public.lepta_guard(format('public.%I', part)::regclass);
            END LOOP;
            edge := edge + width;
        END LOOP;
        UPDATE public.log_head SET partitioned_to = edge WHERE shard = for_shard;
        RETURN edge;
    END $$
"""

STORAGE = (
    "ALTER TABLE event ALTER COLUMN leaf SET STORAGE MAIN",
    # It is compressed already, and better.
    "ALTER TABLE event ALTER COLUMN beside SET STORAGE EXTERNAL",
    "ALTER TABLE event ALTER COLUMN leaf_hash SET STORAGE PLAIN",
)

GRANTS = (
    """
    GRANT SELECT, INSERT ON event, entry, account, asset, lot_allocation, reversal, resolution, second_member, suspicion,
        merged, claimed, idempotency, shift, checkpoint, tile, rulebook TO lepta_service
    """,
    "GRANT SELECT, UPDATE ON log_head TO lepta_service",
    "GRANT SELECT, INSERT, UPDATE ON account_balance, budget, usage, standing TO lepta_service",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON lot, supporter, hold TO lepta_service",
    "GRANT SELECT, INSERT, DELETE ON adjustment_reason TO lepta_service",
    "REVOKE ALL ON FUNCTION lepta_open_partitions(smallint, bigint) FROM PUBLIC",
    "REVOKE ALL ON PROCEDURE lepta_guard(regclass) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION lepta_open_partitions(smallint, bigint) TO lepta_service",
)


def upgrade() -> None:
    for statement in (*HEAD, *HISTORY, *STATE, REFUSE_CHANGE, GUARD, OPEN_PARTITIONS, *STORAGE):
        op.execute(statement)
    for table in (*APPEND_ONLY, "event", "entry"):
        op.execute(f"CALL lepta_guard('{table}')")
    for statement in (*GRANTS, "SELECT lepta_open_partitions(0::smallint, 1)"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "A ledger is not dropped. Restore a backup into a new database instead."
    )

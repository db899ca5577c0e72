"""Create what the office keeps: parties, stores, products, members, cards, campaigns, keys.

Why: these are today's records, edited and (a member's) erased. Nothing of them is history: the ledger
refers to a member by a random ref and to everything else by the id the office chose.
Old code against the new schema: there is none.
Locks: new tables only.
"""

from alembic import op

revision = "20261122_0900"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    # Caches of stores and products ask this table whether they are still true.
    """
    CREATE TABLE office_version (
        what text PRIMARY KEY,
        version bigint NOT NULL DEFAULT 0
    )
    """,
    "INSERT INTO office_version (what) VALUES ('member'), ('party'), ('store'), ('product')",
    """
    CREATE TABLE party (
        id text PRIMARY KEY,
        kind text NOT NULL,
        name jsonb NOT NULL,
        closed_on date,
        revision bigint NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE programme (
        id text PRIMARY KEY,
        document jsonb NOT NULL,
        revision bigint NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE store (
        id text PRIMARY KEY,
        retailer text NOT NULL REFERENCES party,
        name jsonb,
        region text,
        time_zone text NOT NULL,
        currency text NOT NULL,
        language text NOT NULL,
        programme text NOT NULL REFERENCES programme,
        location jsonb,
        revision bigint NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE product (
        sku text PRIMARY KEY,
        name jsonb,
        categories text[] NOT NULL DEFAULT '{}',
        brand text,
        revision bigint NOT NULL DEFAULT 1,
        changed bigint NOT NULL
    )
    """,
    "CREATE INDEX product_changed ON product (changed)",
    # `ref` is all that the ledger knows of a member: random, made once, never the office's id. Tier and segments hold
    # from `since` on; null: always. `choices`: by campaign the beneficiary that they chose at a kiosk.
    # Who was merged into another member goes when that one is erased.
    """
    CREATE TABLE member (
        id text PRIMARY KEY,
        ref text NOT NULL UNIQUE,
        first_name text,
        last_name text,
        gender text,
        language text,
        phone text,
        email text,
        birthday date,
        segments text[] NOT NULL DEFAULT '{}',
        tier text,
        since timestamptz,
        joined_on date NOT NULL DEFAULT CURRENT_DATE,
        choices jsonb,
        merged_into text REFERENCES member ON DELETE CASCADE CHECK (merged_into <> id),
        revision bigint NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX member_merged ON member (merged_into) WHERE merged_into IS NOT NULL",
    # What they were before, for sales that come in late.
    """
    CREATE TABLE member_history (
        member text NOT NULL REFERENCES member ON DELETE CASCADE,
        until timestamptz NOT NULL,
        tier text,
        segments text[] NOT NULL,
        PRIMARY KEY (member, until)
    )
    """,
    # It is active since then; null: always, or it is not.
    """
    CREATE TABLE card (
        card text PRIMARY KEY,
        member text NOT NULL REFERENCES member,
        active_since timestamptz,
        position smallint NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'not-activated', 'blocked'))
    )
    """,
    "CREATE INDEX card_member ON card (member)",
    # Refs of members who were erased: nothing else is kept of them. What points they leave, or get by something that was
    # under way, are gone with them.
    "CREATE TABLE departed (ref text PRIMARY KEY)",
    """
    CREATE TABLE campaign_version (
        campaign text NOT NULL,
        version integer NOT NULL,
        document jsonb NOT NULL,
        published boolean NOT NULL DEFAULT false,
        PRIMARY KEY (campaign, version)
    )
    """,
    # Only a hash of the secret is kept: nobody can read a key out of a backup.
    """
    CREATE TABLE api_key (
        id text PRIMARY KEY,
        role text NOT NULL,
        store text,
        till text,
        party text,
        secret_hash bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
    )
    """,
)

# Roles belong to the whole cluster, and another database of it may be creating the same one just now.
SERVICE_ROLE = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lepta_service') THEN
            CREATE ROLE lepta_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
"""

# An owner that is no superuser may act as the service, too, so that its URL serves. Where another database's
# owner has made the role, only that owner or a superuser can grant it: the service then logs in as the role.
MEMBERSHIP = """
    DO $$ BEGIN
        IF NOT pg_has_role(current_user, 'lepta_service', 'MEMBER')
            OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = 'lepta_service'::regrole
                AND m.member = current_user::regrole)
        THEN
            EXECUTE format('GRANT lepta_service TO %I', current_user);
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END $$
"""

# What quotes are signed with, once for all processes of a deployment: 244 random bits, since `gen_random_uuid` is
# made of PostgreSQL's strong random numbers.
QUOTE_SECRET = (
    """
    CREATE TABLE quote_secret (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        secret bytea NOT NULL CHECK (length(secret) = 32)
    )
    """,
    """
    INSERT INTO quote_secret (secret)
    SELECT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
    """,
)

GRANTS = (
    "GRANT USAGE ON SCHEMA public TO lepta_service",
    """
    GRANT SELECT, INSERT, UPDATE, DELETE ON party, programme, store, product, member, member_history,
        card, campaign_version, api_key TO lepta_service
    """,
    "GRANT SELECT, INSERT ON departed TO lepta_service",
    "GRANT SELECT, UPDATE ON office_version TO lepta_service",
    "GRANT SELECT ON quote_secret TO lepta_service",
    "GRANT SELECT ON schema_version TO lepta_service",
)


def upgrade() -> None:
    for statement in (SERVICE_ROLE, MEMBERSHIP, *TABLES, *QUOTE_SECRET, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "A ledger is not dropped. Restore a backup into a new database instead."
    )

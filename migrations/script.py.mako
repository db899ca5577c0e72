"""${message}

Why:
Old code against the new schema:
Locks:
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "op.execute('')"}


def downgrade() -> None:
    raise NotImplementedError("A ledger is not dropped. Restore a backup into a new database instead.")

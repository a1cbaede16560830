"""What the sample of a comparison is worth: the items in which anything was counted, and the independent draws they amount to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns; of older comparisons nobody knows, and what was said of them stays."""
    op.add_column("comparisons", sa.Column("items", sa.Integer))
    op.add_column("comparisons", sa.Column("draws", sa.Double))

"""The one place that asks what time it is, so that tests can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, UTC-aware."""
    return datetime.now(UTC)

"""The provider's side of a call, as the tests of webhooks have it."""

from webhooks.conftest import provider

__all__ = ["provider"]

"""The ledger: every call with its legs and events, its state worked out from them, and the history."""

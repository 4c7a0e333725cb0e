"""The phone in the browser: its API, and the lists in its dock."""

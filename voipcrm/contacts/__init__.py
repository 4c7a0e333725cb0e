"""Whom we talk to: persons and organizations with their numbers and e-mails."""

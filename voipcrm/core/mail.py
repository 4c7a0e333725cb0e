"""Mail to people. Only jobs send: a mail server may take its time, and no page waits for it."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from voipcrm.core.app import settings

TIMEOUT_SECONDS = 20.0


class MailRefused(Exception):
    """The mail did not leave us. The message says why, fit to be shown to an admin."""


def send(*, to: str, subject: str, text: str) -> None:
    """Hand one plain mail to the server of SMTP_URL. Raises MailRefused."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.mail_from.rpartition("@")[2].rstrip(">"))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice shall answer
    message.set_content(text)
    try:
        with _server() as server:
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as trouble:
        raise MailRefused(_words(trouble)) from trouble


def _server() -> smtplib.SMTP:
    url = urlsplit(settings.smtp_url)
    host, context = url.hostname or "", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif url.username and not _is_this_machine(host):
            server.close()
            raise smtplib.SMTPException("the server offers no encryption, so the password was not sent")
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
    return server


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words(trouble: Exception) -> str:
    """Why, without what we sent: an answer of the server may repeat addresses, never our password."""
    if isinstance(trouble, smtplib.SMTPAuthenticationError):
        return "The mail server refused our user name and password."
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        return "The mail server does not take mail for this address."
    if isinstance(trouble, smtplib.SMTPResponseException):
        return f"The mail server answered {trouble.smtp_code}."
    if isinstance(trouble, smtplib.SMTPServerDisconnected):
        return "The mail server hung up."
    if isinstance(trouble, smtplib.SMTPException):
        return f"The mail could not be sent: {trouble}."
    return "The mail server cannot be reached."

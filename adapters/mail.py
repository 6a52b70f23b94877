"""Sends letters by SMTP, one connection each."""

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime, parseaddr
from typing import Literal
from urllib.parse import quote

import aiosmtplib

from domain.kernel.ports import Mail, Undeliverable

Security = Literal["none", "starttls", "tls"]

ANSWER_S = 10.0
LETTER_S = 30.0


class SmtpMail:
    """The mail port on a mail server. ``sender`` is an address, or a name with the address in angle brackets."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        user: str | None = None,
        password: str | None = None,
        security: Security = "starttls",
    ) -> None:
        self._host = host
        self._port = port
        self._user = user or None
        self._password = password or None
        self._security = security
        self._name, self._address = parseaddr(sender)

    async def send(self, mail: Mail) -> None:
        """Hand a letter to the server."""
        letter = self._letter(mail)
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            timeout=ANSWER_S,
        )
        try:
            async with asyncio.timeout(LETTER_S), client:
                await client.send_message(letter)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if all(one.code >= 500 for one in refused.recipients):
                raise Undeliverable(f"{mail.to}: {refused.recipients[0].message}") from refused
            raise
        except aiosmtplib.SMTPDataError as refused:
            if refused.code >= 500:
                raise Undeliverable(refused.message) from refused
            raise

    def _letter(self, mail: Mail) -> EmailMessage:
        letter = EmailMessage(SMTP_POLICY)
        letter["From"] = Address(self._name, addr_spec=self._address)
        letter["To"] = _address(mail.to)
        # A line break would begin another header.
        letter["Subject"] = " ".join(mail.subject.split())
        letter["Date"] = format_datetime(localtime())
        letter["Message-ID"] = f"<{quote(mail.key, safe='')}@{self._address.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(mail.text)
        for one in mail.attachments:
            kind, _, subtype = one.media_type.partition("/")
            letter.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
        return letter


def _address(text: str) -> Address:
    """Return one address, so that nobody slips in a second one."""
    name, _, domain = text.rpartition("@")
    try:
        return Address(addr_spec=f"{name}@{domain.encode('idna').decode()}")
    except (ValueError, IndexError, MessageError) as error:
        raise Undeliverable(f"{text!r} is no address") from error

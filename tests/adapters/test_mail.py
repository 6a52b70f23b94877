"""Letters reach a real mail server whole, once recognisable, and to one reader only."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTPException

from adapters.mail import SmtpMail
from domain.kernel.ports import Attachment, Mail, Undeliverable
from gatehouse.mailbox import PNG, Mailbox, Maildir

LETTER = Mail(to="anna@example.com", subject="Hello", text="Come in.\n", key="visit.logged/7")


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Mailbox]:
    async with Mailbox.start(tmp_path) as box:
        yield box


def port(box: Mailbox, **changes: Any) -> SmtpMail:
    usual = {
        "host": "127.0.0.1",
        "port": box.port,
        "sender": "Gatehouse <gate@house.example>",
        "security": "none",
    }
    return SmtpMail(**{**usual, **changes})


async def test_a_letter_arrives_as_it_was_written(box: Mailbox, tmp_path: Path):
    text = "Ждём вас у входа.\n.\nA line with a dot above.\n"
    await port(box).send(Mail(to="anna@example.com", subject="Приглашение", text=text, key="k"))

    letters = Maildir(tmp_path)
    [key] = letters.newest()
    letter = letters.letter(key)
    assert letter is not None
    assert (letter["Subject"], letter["To"], letter["From"]) == (
        "Приглашение",
        "anna@example.com",
        "Gatehouse <gate@house.example>",
    )
    assert letter.get_content().replace("\r\n", "\n") == text


async def test_the_same_letter_twice_is_recognised(box: Mailbox, tmp_path: Path):
    for _ in range(2):
        await port(box).send(LETTER)

    letters = Maildir(tmp_path)
    [key] = letters.newest()
    letter = letters.letter(key)
    assert letter is not None
    assert letter["Message-ID"] == "<visit.logged%2F7@house.example>"


async def test_a_picture_goes_with_it(box: Mailbox, tmp_path: Path):
    picture = Attachment(name="pass.png", media_type="image/png", content=PNG + b"...")
    await port(box).send(Mail(to="anna@example.com", subject="s", text="t", key="k", attachments=[picture]))

    letters = Maildir(tmp_path)
    letter = letters.letter(letters.newest()[0])
    assert letter is not None
    [attached] = letter.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("pass.png", PNG + b"...")


async def test_nobody_slips_in_headers_or_readers(box: Mailbox, tmp_path: Path):
    await port(box).send(Mail(to="anna@example.com", subject="Hi\r\nBcc: eve@example.com", text="t", key="k"))
    for to in ("anna@example.com, eve@example.com", "anna", "", "a\r\nBcc: eve@example.com@example.com"):
        with pytest.raises(Undeliverable):
            await port(box).send(Mail(to=to, subject="s", text="t", key="other"))

    letters = Maildir(tmp_path)
    [key] = letters.newest()
    letter = letters.letter(key)
    assert letter is not None
    assert letter["Subject"] == "Hi Bcc: eve@example.com"
    assert letter["Bcc"] is None


async def test_what_must_be_encrypted_is_not_sent_in_the_clear(box: Mailbox, tmp_path: Path):
    with pytest.raises(SMTPException):
        await port(box, security="starttls").send(LETTER)

    assert Maildir(tmp_path).newest() == []


async def test_a_server_that_is_away_is_worth_another_try(box: Mailbox):
    with pytest.raises((OSError, SMTPException)):
        await port(box, port=9).send(LETTER)


async def test_what_is_too_large_is_refused_for_good(box: Mailbox):
    with pytest.raises((Undeliverable, SMTPException)):
        await port(box).send(Mail(to="anna@example.com", subject="s", text="x" * 6_000_000, key="k"))

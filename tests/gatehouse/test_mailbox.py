"""The mailbox keeps what it was given, folds repeats, forgets the oldest, and shows strangers' text as text."""

import os
from pathlib import Path

from starlette.testclient import TestClient

from adapters.mail import SmtpMail
from domain.kernel.ports import Attachment, Mail
from gatehouse.mailbox import PNG, Mailbox, Maildir, pages


def raw(number: int, body: str = "hello", subject: str = "s") -> bytes:
    return f"Message-ID: <{number}@x>\r\nTo: a@x\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


def test_a_letter_survives_and_a_repeat_is_folded(tmp_path: Path):
    key = Maildir(tmp_path).add(raw(1, "first"))
    again = Maildir(tmp_path).add(raw(1, "again"))

    assert key == again
    letter = Maildir(tmp_path).letter(key)
    assert letter is not None
    assert letter.get_content().strip() == "first"


def test_only_the_newest_are_kept(tmp_path: Path):
    letters = Maildir(tmp_path, most=3)
    keys = []
    for number in range(5):
        keys.append(letters.add(raw(number)))
        os.utime(tmp_path / "new" / keys[-1], (number, number))

    assert letters.newest() == keys[:1:-1]


def test_a_letter_without_an_id_is_known_by_its_content(tmp_path: Path):
    letters = Maildir(tmp_path)

    assert letters.add(b"no header") == letters.add(b"no header") != letters.add(b"another")


def test_strange_keys_find_nothing(tmp_path: Path):
    letters = Maildir(tmp_path / "mail")
    (tmp_path / "secret").write_text("secret")

    client = TestClient(pages(letters))
    for key in ("..%2F..%2Fsecret", "nothing", "%00", "."):
        assert client.get(f"/{key}").status_code in (200, 404)
        assert "secret" not in client.get(f"/{key}").text.replace("secret</", "")
    assert letters.letter("../../secret") is None


def test_text_of_strangers_is_shown_as_text(tmp_path: Path):
    letters = Maildir(tmp_path)
    evil = "<script>alert(1)</script>"
    key = letters.add(raw(1, evil, subject=evil))
    letters.add(b"Subject: =?nothing?q?x?=\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff\xfe")
    letters.add(b"\xff\xfe\x00")
    client = TestClient(pages(letters))

    for path in ("/", *(f"/{one}" for one in letters.newest())):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "&lt;script&gt;alert(1)" in client.get(f"/{key}").text


async def test_a_letter_and_its_picture_can_be_seen(tmp_path: Path):
    async with Mailbox.start(tmp_path) as box:
        port = SmtpMail(host="127.0.0.1", port=box.port, sender="g@h.example", security="none")
        picture = Attachment(name="p.png", media_type="image/png", content=PNG + b"!")
        await port.send(
            Mail(to="a@x.example", subject="Ваш гость", text="пришёл", key="k", attachments=[picture])
        )

        client = TestClient(box.pages)
        assert "Ваш гость" in client.get("/").text
        [key] = Maildir(tmp_path).newest()
        page = client.get(f"/{key}").text
        assert "пришёл" in page
        assert f'src="{key}/0"' in page
        shown = client.get(f"/{key}/0")
        assert (shown.content, shown.headers["content-type"]) == (PNG + b"!", "image/png")
        assert client.get(f"/{key}/1").status_code == 404


def test_an_empty_mailbox_says_so(tmp_path: Path):
    assert "No letter yet" in TestClient(pages(Maildir(tmp_path))).get("/").text

"""Handing mail over: to a mail server that is friendly, rude, slow or gone, and to a folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from edge import posting
from edge.letters import Letter, Packet, packed
from edge.posting import (
    FILES_MAX,
    IDLE_NS,
    PAUSE_NS,
    FolderPost,
    MailRefused,
    SmtpPost,
    SmtpServer,
    smtp_server,
)
from engine.ports.mail import MailDelayed
from tests.accounts import TurnedClock
from tests.edge.mail_server import PASSWORD, USER, MailServer, client_context, mail_server

LOCAL = "127.0.0.1"


def packet(number: int = 1) -> Packet:
    letter = Letter(
        to="ayse@example.com",
        language="tr",
        subject=f"Yerin hazır {number}",
        text=".\nMerhaba\n",
        html="<p>Merhaba</p>",
    )
    return packed(letter, sender="HotHour <no-reply@shop.example>", row_id=number, now_ms=0)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture
async def post(server: MailServer, clock: TurnedClock) -> AsyncIterator[SmtpPost]:
    opened = SmtpPost(SmtpServer(LOCAL, server.port, tls=False), clock)
    yield opened
    await opened.close()


# --- the address of a server ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, tls=False)),
        ("smtp://mail.example:25", SmtpServer("mail.example", 25, tls=False)),
        ("smtps://mail.example", SmtpServer("mail.example", 465, tls=True)),
        ("smtp://[::1]:25/", SmtpServer("::1", 25, tls=False)),
        (
            "smtp://u:p@mail.example",
            SmtpServer("mail.example", 587, tls=False, user="u", password="p"),
        ),
        (
            f"smtps://{quote(USER)}:{quote(PASSWORD, safe='')}@mail.example:465",
            SmtpServer("mail.example", 465, tls=True, user=USER, password=PASSWORD),
        ),
    ],
)
def test_an_address_is_read(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:mail",
        "smtp://mail.example:70000",
        "smtp://secret@mail.example",
        "smtp://mail.example/box",
        "smtp://mail.example?tls=1",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form smtp://") as caught:
        smtp_server(url)
    assert "secret" not in str(caught.value)


def test_a_password_never_travels_in_the_clear_but_to_this_machine() -> None:
    assert SmtpServer("mail.example", 587, tls=False, user="u", password="p").starttls is True
    assert SmtpServer("mail.example", 587, tls=False).starttls is None
    assert SmtpServer("mail.example", 465, tls=True, user="u", password="p").starttls is False
    for local in ("localhost", "127.0.0.1", "::1"):
        assert SmtpServer(local, 25, tls=False, user="u", password="p").starttls is None


# --- a friendly server ---------------------------------------------------------------------------


async def test_a_packet_arrives_whole(server: MailServer, post: SmtpPost) -> None:
    await post.send(packet(), "1")
    (mail,) = server.mails
    assert (server.senders, mail["To"]) == (["no-reply@shop.example"], "ayse@example.com")
    assert mail["Subject"] == "Yerin hazır 1"
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == [".", "Merhaba"]


async def test_a_connection_is_kept_while_it_is_used_and_made_anew_after_a_rest(
    server: MailServer, post: SmtpPost, clock: TurnedClock
) -> None:
    for number in range(3):
        await post.send(packet(number), str(number))
    assert server.connections == 1
    clock.forward(s=IDLE_NS / 1e9)
    await post.send(packet(), "4")
    assert (server.connections, len(server.mails)) == (2, 4)


async def test_a_line_that_was_cut_while_it_rested_is_made_anew(
    server: MailServer, post: SmtpPost, clock: TurnedClock
) -> None:
    await post.send(packet(1), "1")
    server.hang_up()
    clock.forward(s=IDLE_NS / 1e9)
    await post.send(packet(2), "2")
    server.hang_up()
    await post.close()
    assert (server.connections, len(server.mails)) == (2, 2)


async def test_a_server_that_will_not_say_goodbye_is_left_all_the_same(
    server: MailServer, post: SmtpPost
) -> None:
    await post.send(packet(1), "1")
    server.at_quit = "500 what?"
    await post.close()
    await post.send(packet(2), "2")
    assert (server.connections, len(server.mails)) == (2, 2)


async def test_many_at_once_take_turns(server: MailServer, post: SmtpPost) -> None:
    await asyncio.gather(*(post.send(packet(n), str(n)) for n in range(10)))
    assert (server.connections, len(server.mails)) == (1, 10)


async def test_after_closing_it_goes_on_over_a_new_connection(
    server: MailServer, post: SmtpPost
) -> None:
    await post.send(packet(), "1")
    await post.close()
    await post.send(packet(), "2")
    assert (server.connections, len(server.mails)) == (2, 2)


@pytest.mark.parametrize("how", ["starttls", "tls"])
async def test_encryption_is_used_when_it_is_there(clock: TurnedClock, how: str) -> None:
    async with mail_server(starttls=how == "starttls", tls=how == "tls", auth=False) as server:
        address = SmtpServer(LOCAL, server.port, tls=how == "tls")
        post = SmtpPost(address, clock, tls_context=client_context())
        await post.send(packet(), "1")
        await post.close()
        assert server.encrypted == [True]


async def test_it_logs_in_over_an_encrypted_line(clock: TurnedClock) -> None:
    async with mail_server(starttls=True, auth=True) as server:
        address = SmtpServer("localhost", server.port, tls=False, user=USER, password=PASSWORD)
        post = SmtpPost(address, clock, tls_context=client_context())
        await post.send(packet(), "1")
        await post.close()
        assert (server.encrypted, server.logged_in) == ([True], [True])


# --- a rude one ----------------------------------------------------------------------------------


async def test_an_address_that_is_refused_for_good_is_refused(
    server: MailServer, post: SmtpPost
) -> None:
    server.at_recipient = "550 ayse@example.com is unknown"
    with pytest.raises(MailRefused) as caught:
        await post.send(packet(), "1")
    assert caught.value.code == 550
    assert "ayse" not in str(caught.value)
    server.at_recipient = None
    await post.send(packet(), "2")
    assert (server.connections, len(server.mails)) == (1, 1)


@pytest.mark.parametrize(
    ("code", "error"), [("451 try later", MailDelayed), ("554 spam", MailRefused)]
)
async def test_content_is_refused_for_now_or_for_good(
    server: MailServer, post: SmtpPost, code: str, error: type[Exception]
) -> None:
    server.at_data = code
    with pytest.raises(error):
        await post.send(packet(), "1")


async def test_a_full_mailbox_may_have_room_later(server: MailServer, post: SmtpPost) -> None:
    server.at_recipient = "452 ayse@example.com is full"
    with pytest.raises(MailDelayed) as caught:
        await post.send(packet(), "1")
    assert "ayse" not in str(caught.value)


async def test_a_wrong_password_is_a_delay_for_people_to_mend(clock: TurnedClock) -> None:
    async with mail_server(starttls=True, auth=True) as server:
        address = SmtpServer("localhost", server.port, tls=False, user=USER, password="wrong")
        post = SmtpPost(address, clock, tls_context=client_context())
        with pytest.raises(MailDelayed):
            await post.send(packet(), "1")
        assert server.mails == []


async def test_a_server_nobody_vouches_for_gets_no_mail(clock: TurnedClock) -> None:
    async with mail_server(starttls=True) as server:
        post = SmtpPost(SmtpServer(LOCAL, server.port, tls=False), clock)
        with pytest.raises(MailDelayed):
            await post.send(packet(), "1")
        assert server.mails == []


async def test_a_line_that_is_cut_is_a_delay_and_the_next_packet_goes(
    server: MailServer, post: SmtpPost
) -> None:
    server.hang = asyncio.Event()
    sending = asyncio.create_task(post.send(packet(), "1"))
    await server.asked.wait()
    server.hang_up()
    with pytest.raises(MailDelayed):
        await sending
    server.hang = None
    await post.send(packet(2), "2")
    assert [mail["Subject"] for mail in server.mails] == ["Yerin hazır 2"]


async def test_who_stops_waiting_leaves_no_dialogue_behind(
    server: MailServer, post: SmtpPost
) -> None:
    await post.send(packet(1), "1")
    server.hang = asyncio.Event()
    server.asked.clear()
    sending = asyncio.create_task(post.send(packet(2), "2"))
    await server.asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.hang = None
    await post.send(packet(3), "3")
    assert server.connections == 2
    assert server.mails[-1]["Subject"] == "Yerin hazır 3"


async def test_a_server_that_is_away_is_not_asked_by_every_packet(clock: TurnedClock) -> None:
    async with mail_server() as server:
        address = SmtpServer(LOCAL, server.port, tls=False)
    post = SmtpPost(address, clock)
    for _ in range(2):
        with pytest.raises(MailDelayed):
            await post.send(packet(), "1")
    with pytest.raises(MailDelayed, match="a moment ago"):
        await post.send(packet(), "1")
    clock.forward(s=PAUSE_NS / 1e9)
    with pytest.raises(MailDelayed, match="Connect"):
        await post.send(packet(), "1")


# --- a folder ------------------------------------------------------------------------------------


async def test_a_folder_gets_a_file_a_mail_and_whoever_runs_it_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    post, mail = FolderPost(tmp_path / "mail", said.append), packet()
    await post.send(mail, "7-booking_confirmed")
    await post.close()
    path = tmp_path / "mail" / "7-booking_confirmed.eml"
    assert path.read_bytes() == mail.content
    assert said == [f"mail: Yerin hazır 1 -> {path}\n"]
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_repeat_is_the_same_file(tmp_path: Path) -> None:
    post = FolderPost(tmp_path, lambda _: None)
    await post.send(packet(), "7-a")
    await post.send(packet(), "7-a")
    assert names(tmp_path) == ["7-a.eml"]


async def test_only_the_newest_mails_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FILES_MAX == 1_000
    monkeypatch.setattr(posting, "FILES_MAX", 3)
    for age, name in enumerate(("old", "older")):
        (tmp_path / f"{name}.eml").write_text("")
        os.utime(tmp_path / f"{name}.eml", (1_000 - age, 1_000 - age))
    post = FolderPost(tmp_path, lambda _: None)
    for number in range(2):
        await post.send(packet(number), str(number))
    assert names(tmp_path) == ["0.eml", "1.eml", "old.eml"]


async def test_a_folder_that_cannot_be_written_is_a_delay(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file is in the way")
    post = FolderPost(tmp_path / "mail", lambda _: None)
    with pytest.raises(MailDelayed):
        await post.send(packet(), "1")

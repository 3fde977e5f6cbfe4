"""A letter becomes a message that any mail program reads, whatever text is in it."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime

from edge.letters import PICTURE_ID, Enclosure, Fact, Letter, linked, packed, page, plain

LETTER = Letter(
    to="ayse@example.com",
    language="tr",
    subject="Yerin hazır: Akşam Yogası",
    text="Merhaba, yer senin: 412,50 ₺\n",
    html=f'<p>Merhaba</p><img src="cid:{PICTURE_ID}">',
    picture=Enclosure("qr.png", "image/png", b"\x89PNG\r\n"),
    files=(
        Enclosure("ders.ics", "text/calendar", "BEGIN:VCALENDAR\r\nSUMMARY:ğüş\r\n".encode()),
        Enclosure("a.bin", "application/octet-stream", b"\x00\xff"),
    ),
)
NOW_MS = 1_773_300_000_123


def received(letter: Letter = LETTER, row_id: int = 5) -> EmailMessage:
    """The message as its receiver parses it."""
    packet = packed(letter, sender="HotHour <no-reply@shop.example>", row_id=row_id, now_ms=NOW_MS)
    message = message_from_bytes(packet.content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_envelope_has_bare_addresses() -> None:
    packet = packed(LETTER, sender="HotHour <no-reply@shop.example>", row_id=5, now_ms=NOW_MS)
    assert (packet.sender, packet.to) == ("no-reply@shop.example", "ayse@example.com")
    assert packet.subject == LETTER.subject


def test_headers_say_from_whom_when_and_that_nobody_need_answer() -> None:
    message = received()
    assert message["From"] == "HotHour <no-reply@shop.example>"
    assert message["To"] == "ayse@example.com"
    assert message["Subject"] == "Yerin hazır: Akşam Yogası"
    assert parsedate_to_datetime(message["Date"]).timestamp() == NOW_MS // 1_000
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "tr"


def test_a_row_has_one_message_id_however_often_it_is_carried() -> None:
    assert received()["Message-ID"] == received()["Message-ID"] == "<outbox-5@shop.example>"
    assert received(row_id=6)["Message-ID"] != received()["Message-ID"]


def test_text_html_picture_and_files_arrive_as_they_were() -> None:
    message = received()
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().strip() == LETTER.html
    parts = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert parts["qr.png"]["Content-ID"] == f"<{PICTURE_ID}>"
    assert parts["qr.png"].get_content() == b"\x89PNG\r\n"
    assert "ğüş" in parts["ders.ics"].get_content()
    assert parts["ders.ics"].get_content_type() == "text/calendar"
    assert parts["a.bin"].get_content() == b"\x00\xff"


def test_every_byte_passes_through_a_seven_bit_server() -> None:
    content = packed(LETTER, sender="a@b.example", row_id=1, now_ms=NOW_MS).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_a_title_cannot_bring_headers_along() -> None:
    letter = Letter(
        to="a@example.com", language="en", subject="Yoga\r\nBcc: b@x.example", text="", html=""
    )
    message = received(letter)
    assert message["Subject"] == "Yoga Bcc: b@x.example"
    assert message["Bcc"] is None


def test_a_page_escapes_what_others_wrote_and_links_addresses() -> None:
    facts = [Fact("Ders", "<b>Yoga</b> & Dans"), Fact("Harita", "https://maps.example/?q=1&z=2")]
    html = page("tr", ["Merhaba <script>"], facts, ["https://shop.example"], picture=True)
    assert "<script>" not in html
    assert "&lt;b&gt;Yoga&lt;/b&gt; &amp; Dans" in html
    link = "https://maps.example/?q=1&amp;z=2"
    assert f'<a href="{link}">{link}</a>' in html
    assert f'<img src="cid:{PICTURE_ID}"' in html
    assert "<img" not in page("tr", [], [], [], picture=False)


def test_only_a_whole_address_of_the_web_is_a_link() -> None:
    for text in ("javascript:alert(1)", "see https://x.example", "https://x.example now"):
        assert "<a" not in linked(text)
    assert 'href="https://x.example/&quot;&gt;"' in linked('https://x.example/">')


def test_the_text_has_the_facts_one_a_line() -> None:
    facts = [Fact("Kod", "HOT-7K2M"), Fact("Ders", "Yoga\n\nKod: HOT-2222")]
    text = plain(["Merhaba,"], facts, ["Hoşça kal"])
    assert text == ("Merhaba,\n\nKod: HOT-7K2M\nDers: Yoga Kod: HOT-2222\n\nHoşça kal\n\nHotHour\n")

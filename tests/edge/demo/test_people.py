"""Who is in the demo."""

from edge.demo.people import DOMAIN, GUESTS, HOUSES, PASSWORD, PLATFORM, Login
from edge.wire.auth import PASSWORD_LENGTH_MIN
from engine.domain.contact import clean_name, fold_email

EVERYBODY = (PLATFORM, *GUESTS, *(h.admin for h in HOUSES), *(h.desk for h in HOUSES))


def test_nobody_shares_an_address_and_each_is_in_its_stored_spelling() -> None:
    emails = [login.email for login in EVERYBODY]
    assert len(set(emails)) == len(emails)
    assert [fold_email(email) for email in emails] == emails
    assert all(email.endswith(f"@{DOMAIN}") for email in emails)


def test_names_are_stored_as_they_are_written() -> None:
    assert all(clean_name(login.name) == login.name for login in EVERYBODY)


def test_everybody_is_shown_by_first_name_and_initial_only() -> None:
    assert Login("x@example.com", "İpek Şahin", "customer").short == "İpek Ş."
    shorts = [login.short for login in GUESTS]
    assert len(set(shorts)) == len(shorts)


def test_the_password_would_be_accepted_by_the_registration() -> None:
    assert len(PASSWORD) >= PASSWORD_LENGTH_MIN


def test_there_are_guests_for_classes_of_either_kind() -> None:
    women = sum(guest.gender == "FEMALE" for guest in GUESTS)
    assert 4 <= women <= len(GUESTS) - 4

"""What /auth takes, before anybody decides anything."""

from typing import Any

import pytest
from pydantic import ValidationError

from edge.wire.auth import ChangePasswordBody, LoginBody, RegisterBody, UserAnswer

FORM: dict[str, Any] = {
    "email": "İnfo@Example.com",
    "full_name": " Ada  Yılmaz",
    "phone": "0532 111 00 01",
    "password": "correct horse",
}


def test_a_registration_is_put_into_the_stored_spelling() -> None:
    body = RegisterBody(**FORM)
    assert (body.email, body.full_name) == ("info@example.com", "Ada Yılmaz")
    assert body.phone == "+905321110001"
    assert (body.gender, body.marketing_consent) == (None, False)


@pytest.mark.parametrize("missing", FORM)
def test_what_is_needed_is_needed(missing: str) -> None:
    with pytest.raises(ValidationError):
        RegisterBody(**{name: value for name, value in FORM.items() if name != missing})


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("x" * 7, False),
        ("x" * 8, True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("s\u0327" * 128, True),
        ("s\u0327" * 7, False),
        ("🐎" * 8, True),
        (12_345_678, False),
    ],
)
def test_a_new_password_is_counted_in_characters_as_they_are_hashed(
    password: object, fits: bool
) -> None:
    forms: list[tuple[type[Any], dict[str, Any]]] = [
        (RegisterBody, FORM | {"password": password}),
        (ChangePasswordBody, {"current_password": "x", "new_password": password}),
    ]
    for model, form in forms:
        if fits:
            model(**form)
        else:
            with pytest.raises(ValidationError):
                model(**form)


def test_who_signs_in_may_say_anything_up_to_a_bound() -> None:
    LoginBody(email="no address", password="")
    with pytest.raises(ValidationError):
        LoginBody(email="x", password="x" * 1_025)


def test_the_schema_says_what_the_validators_hold() -> None:
    fields = RegisterBody.model_json_schema()["properties"]
    assert (fields["email"]["format"], fields["email"]["maxLength"]) == ("email", 254)
    assert (fields["password"]["minLength"], fields["password"]["maxLength"]) == (8, 128)
    assert RegisterBody.model_json_schema()["additionalProperties"] is False


def test_an_answer_has_no_place_for_a_hash() -> None:
    assert not [name for name in UserAnswer.model_fields if "password" in name or "hash" in name]

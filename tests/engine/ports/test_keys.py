"""What a key stands for."""

from engine.ports.keys import Kept


def test_a_claim_is_no_answer_yet() -> None:
    assert not Kept(b"x" * 32, 0, b"").settled
    assert Kept(b"x" * 32, 204, b"").settled

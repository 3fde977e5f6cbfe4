"""Faults are armed, strike once each, and are counted when they do."""

from engine.simulation.faults import BUS_FAULTS, COMMIT_FAULTS, Armed, Fault


def test_a_fault_strikes_once_the_next_thing_it_can() -> None:
    armed = Armed()
    armed.arm("commit", Fault.COMMIT_LOST)
    armed.arm("commit", Fault.COMMIT_LATE)
    armed.arm("bus", Fault.BUS_LOST)
    assert armed.take("read") is None
    assert [armed.take("commit") for _ in range(3)] == [Fault.COMMIT_LOST, Fault.COMMIT_LATE, None]
    assert armed.take("bus") is Fault.BUS_LOST


def test_only_what_has_happened_is_counted() -> None:
    armed = Armed()
    for _ in range(3):
        armed.arm("mail", Fault.MAIL_DELAYED)
    assert not armed.struck
    armed.take("mail")
    armed.take("commit")
    armed.happened(Fault.NODE_CRASH)
    assert armed.struck == {Fault.MAIL_DELAYED: 1, Fault.NODE_CRASH: 1}


def test_once_disarmed_nothing_goes_wrong_any_more() -> None:
    armed = Armed()
    armed.arm("commit", Fault.COMMIT_LOST)
    armed.disarm()
    assert armed.take("commit") is None
    assert not armed.struck


def test_faults_of_a_kind_are_named_alike() -> None:
    assert all(fault.startswith("commit_") for fault in COMMIT_FAULTS)
    assert all(fault.startswith("bus_") for fault in BUS_FAULTS)
    assert len({fault.value for fault in Fault}) == len(Fault)

"""Who watches what, and from which delivery on."""

from edge.topics import AuctionTopic, Topic, Weight
from tests.edge.live_clients import wired


def test_a_mark_is_kept_as_long_as_somebody_watches() -> None:
    topic = AuctionTopic(7)
    socket, _ = wired()
    assert socket not in topic.marks
    topic.join(socket, 5, ticks=True)
    assert topic.marks[socket] == 5
    topic.leave(socket)
    assert socket not in topic.marks


def test_prices_are_for_those_who_want_them_and_the_rest_is_for_all() -> None:
    topic = AuctionTopic(7)
    (ticks, _), (schedule, _) = wired(), wired()
    topic.join(ticks, 0, ticks=True)
    topic.join(schedule, 0, ticks=False)
    assert set(topic.audience(Weight.PRICE)) == {ticks}
    assert set(topic.audience(Weight.SIGNIFICANT)) == {ticks, schedule}
    assert set(topic.audience(Weight.FULL)) == {ticks, schedule}


def test_joining_again_may_change_the_mode() -> None:
    topic = AuctionTopic(7)
    socket, _ = wired()
    topic.join(socket, 0, ticks=True)
    topic.join(socket, 9, ticks=False)
    assert not topic.audience(Weight.PRICE)
    assert topic.marks[socket] == 9
    topic.join(socket, 9, ticks=True)
    assert set(topic.audience(Weight.PRICE)) == {socket}


def test_leaving_twice_is_harmless() -> None:
    topic = AuctionTopic(7)
    socket, _ = wired()
    topic.join(socket, 0, ticks=True)
    topic.leave(socket)
    topic.leave(socket)
    assert not topic.marks
    assert not topic.ticks


def test_a_plain_topic_has_one_audience() -> None:
    topic = Topic(0)
    socket, _ = wired()
    topic.marks[socket] = 0
    assert all(set(topic.audience(weight)) == {socket} for weight in Weight)

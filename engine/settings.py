"""Every limit of the engine and of its edge, once: its name, its unit, and what happens at it.

A frozen value that is handed in; nothing here reads the environment (edge/config.py does, with the
prefix HOTHOUR_ and the same names in capitals).
"""

from dataclasses import dataclass, field, fields
from typing import Any


def knob(default: Any, meaning: str) -> Any:
    """A setting with its meaning, which `hothour settings` and the reference page show."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and periods. Units stand at the end of the names."""

    # Mailboxes and turns
    mailbox_depth_max: int = knob(20_000, "Messages waiting for one auction; past it: BUSY at once")
    mailbox_control_reserve: int = knob(64, "Places past that bound which only staff may use")
    turn_messages_max: int = knob(1_024, "Messages one turn decides before it commits")
    turn_rounds_max: int = knob(3, "Times a turn is decided again around offenders, then singly")
    yield_after_ms: float = knob(1.0, "Work on the loop after which everybody else gets a chance")
    unsent_timeout_ms: int = knob(500, "Not sent to the database by then: BUSY, nothing was done")
    answer_timeout_ms: int = knob(10_000, "Sent and unanswered by then: UNKNOWN_OUTCOME")

    # Commit
    commit_flights: int = knob(2, "Connections that commit; one batch each")
    commit_batch_max: int = knob(256, "Auctions in one transaction; more wait for the next")
    commit_queue_max: int = knob(10_000, "Auctions waiting for a commit; past it: BUSY")
    commit_timeout_ms: int = knob(5_000, "A batch unanswered by then is ambiguous")
    commit_attempts_max: int = knob(5, "Times a batch is sent again after a deadlock or conflict")
    resolve_timeout_ms: int = knob(1_000, "Wait for a row lock, then its holder is terminated")
    backoff_ms_min: int = knob(50, "First pause before trying the database again")
    backoff_ms_max: int = knob(1_000, "Longest pause before trying the database again")
    codes_recent_max: int = knob(8_192, "Codes drawn lately that are not drawn again")

    # Actors and time
    passivate_after_ms: int = knob(60_000, "An actor nobody needs is forgotten after this long")
    activate_lead_ms: int = knob(2_000, "Sales are loaded this long before the clock changes them")
    horizon_ms: int = knob(600_000, "Starts this near are on the heap; read every half of it")
    horizon_page_max: int = knob(10_000, "Rows in one read of coming starts")
    activate_batch_max: int = knob(5_000, "Auctions taken over in one statement")
    crash_window_ms: int = knob(10_000, "Crashes are counted over this long")
    crashes_max: int = knob(5, "Crashes in that window, then the auction cools down")
    cooldown_ms: int = knob(5_000, "A crashing auction answers BUSY this long")
    answers_after_end_ms: int = knob(600_000, "An ended sale is kept on demand this long")
    clock_step_ms_max: int = knob(1_000, "A system clock further off than this raises the alarm")
    clock_slew_ppm: int = knob(500, "Speed at which smaller differences are made up")
    clock_apart_ms_max: int = knob(5_000, "Further from the database's clock: refuse to start")
    high_water_ahead_ms_max: int = knob(600_000, "A stored instant further ahead: refuse to start")

    # Membership
    shards: int = knob(64, "Parts the auctions are divided into; fixed for a database")
    lease_ttl_ms: int = knob(3_000, "A member silent this long has lost its shards")
    lease_renew_ms: int = knob(1_000, "Members beat this often")

    # Outbox and housekeeping
    outbox_poll_ms: int = knob(1_000, "How often what a crash left is looked for")
    outbox_batch_max: int = knob(200, "Rows carried at a time")
    outbox_inflight_max: int = knob(
        10_000, "Notices handed over in memory; past it the poll has them"
    )
    outbox_lease_ms: int = knob(30_000, "A row being carried is hidden from others this long")
    outbox_attempts_max: int = knob(12, "Times a mail is tried before it is given up")
    sweep_every_ms: int = knob(60_000, "How often old codes, keys and carried rows are retired")
    sweep_batch_max: int = knob(1_000, "Rows retired at a time")

    # Accounts
    bcrypt_cost: int = knob(12, "Work factor of password hashes")
    hash_lane_threads: int = knob(1, "Threads that hash passwords")
    hash_lane_queue_max: int = knob(16, "Log-ins waiting for one; past it: BUSY")
    access_token_ttl_s: int = knob(900, "An access token lives this long")
    session_ttl_s: int = knob(30 * 86_400, "A session lives this long")
    refresh_grace_s: int = knob(30, "A rotated refresh token still gives the same successor")
    sessions_per_user_max: int = knob(20, "Sessions of one account; the oldest ends")
    verify_ttl_s: int = knob(48 * 3_600, "A verification link lives this long")
    reset_ttl_s: int = knob(3_600, "A password reset link lives this long")
    revocation_poll_ms: int = knob(500, "How often ended sessions are looked for")
    token_cache_max: int = knob(50_000, "Verified access tokens remembered; the oldest go")
    login_delay_s_max: int = knob(30, "The longest pause asked for after failed log-ins")
    login_delays_max: int = knob(50_000, "Pairs of account and address with a delay; oldest go")

    # HTTP
    body_bytes_max: int = knob(65_536, "A larger body: 413")
    json_depth_max: int = knob(32, "Deeper JSON: 422")
    header_timeout_s: float = knob(10.0, "Headers not complete by then: the connection is closed")
    body_timeout_s: float = knob(15.0, "A body not complete by then: 408")
    listen_backlog: int = knob(2_048, "Connections waiting to be accepted")
    rate_requests_per_s: int = knob(50, "Requests of one address a second; past it: 429")
    rate_requests_burst: int = knob(200, "Requests of one address at once")
    rate_bookings_per_s: int = knob(5, "Presses of one user a second; past it: 429")
    rate_bookings_burst: int = knob(20, "Presses of one user at once")
    rate_logins_per_min: int = knob(30, "Log-ins and mails asked for from one address a minute")
    rate_codes_per_min: int = knob(30, "Booking codes one user looks up a minute")
    rate_keys_max: int = knob(100_000, "Addresses and users counted; the oldest are forgotten")
    list_page_max: int = knob(100, "Rows in one page of a list")
    reads_shared_ms: int = knob(1_000, "What was read of sales is shared for no longer than this")
    reads_shared_max: int = knob(256, "Lists and sales that are shared; the least asked for go")
    reads_burst: int = knob(10, "Times one is read anew after changes before it waits that long")

    # Live channel
    live_frame_bytes_max: int = knob(4_096, "A larger frame from a client: close 1009")
    live_hello_timeout_ms: int = knob(10_000, "No valid message by then: close 4009")
    live_idle_timeout_ms: int = knob(90_000, "No byte from the client by then: close 4103")
    live_ping_after_ms: int = knob(40_000, "Silence after which the server pings")
    live_heartbeat_ms: int = knob(45_000, "No frame sent for this long: a heartbeat")
    live_messages_per_s: int = knob(20, "Messages of one socket a second; past it: RATE_LIMITED")
    live_messages_burst: int = knob(40, "Messages of one socket at once")
    live_bookings_per_s: int = knob(5, "`book` of one socket a second")
    live_authentications_per_min: int = knob(5, "`authenticate` of one socket a minute")
    live_subscriptions_max: int = knob(200, "Auctions one socket watches; past it: LIMIT_REACHED")
    live_sockets_per_user_max: int = knob(10, "Sockets of one user; past it: close 4005")
    live_sockets_per_address_max: int = knob(200, "Sockets of one address; past it: 503")
    live_sockets_max: int = knob(25_000, "Sockets of one process; past it: 503")
    live_bad_messages_max: int = knob(10, "Bad messages in a row: close 4000")
    live_buffer_bytes_max: int = knob(65_536, "More waiting for one socket: it is aborted")
    live_stall_ms_max: int = knob(10_000, "A congested socket that makes no progress: aborted")
    live_congested_ms_max: int = knob(30_000, "Congested this long in all: aborted")
    live_notsent_lowat_bytes: int = knob(4_096, "Backlog the kernel takes before we see it")
    live_reconnect_ms_min: int = knob(500, "Clients come back no sooner")
    live_reconnect_ms_max: int = knob(20_000, "Clients come back no later")
    lobby_every_ms: int = knob(1_000, "The lobby's changes are told this often")
    lobby_rows_max: int = knob(1_000, "Auctions the lobby follows")
    watchers_every_ms: int = knob(5_000, "Watchers are counted anew this often")
    drain_s_max: float = knob(25.0, "All sockets have been told to go by then")
    drain_sockets_per_s: int = knob(1_000, "Sockets told to go a second")
    drain_abort_s: float = knob(3.0, "A socket that was told and stays is cut after this")


def meanings() -> dict[str, str]:
    """Each setting's name and what it bounds."""
    return {knob_.name: knob_.metadata["meaning"] for knob_ in fields(Settings)}

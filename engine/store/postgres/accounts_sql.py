"""The statements of accounts.py, each with what it is careful about.

Instants are parameters (the engine's clock judges links and sessions); ids that must not be guessed
are drawn by PostgreSQL. An outbox row that is `done` from the start is written and never carried:
it costs what a mail costs, so the time of an answer does not tell which addresses are known.
"""

from typing import Final

ACCOUNT: Final = """
    a.id, a.email, a.full_name, a.phone, a.gender, a.role, a.studio_id,
    a.email_verified_at is not null as email_verified"""
SESSION: Final = """
    s.id::text as sid, s.account_id, s.generation, s.rotated_at, s.created_at,
    s.expires_at, s.revoked_at is not null as ended"""

# --- accounts ------------------------------------------------------------------------------------

INSERT_COLUMNS: Final = """
    insert into account (email, full_name, phone, gender, role, studio_id, password_hash,
                         email_verified_at, marketing_consent_at)"""

# Locked in order of id, so that two who clear the same rows away do not wait for each other. The
# sessions are read before they go with their account.
MAKE_WAY: Final = """
with gone as (
    delete from account where id in (
        select a.id from account a
        where (a.email = $1 or a.phone = $2) and a.email_verified_at is null
          and a.role = 'customer' and a.state = 'OK'
          and not exists (select from account_token t where t.account_id = a.id
                          and t.purpose = 'verify_email' and t.expires_at > $3)
          and not exists (select from reservation r where r.user_id = a.id)
        order by a.id for update)
    returning id)
select s.id::text from session s join gone on gone.id = s.account_id where s.revoked_at is null"""

INSERT_UNLESS_TAKEN: Final = f"""
{INSERT_COLUMNS}
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict do nothing
returning id"""

# Waiting for somebody else's insert ends after its commit, so this statement sees that row.
WHO_HAS_IT: Final = """
select a.id, a.state = 'OK' as usable from account a
where a.email = $1 or a.phone = $2
order by a.email = $1 desc limit 1"""

INSERT_MANY: Final = f"""
{INSERT_COLUMNS}
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::text[], $8::timestamptz[], $9::timestamptz[])
returning id, email"""

CREDENTIALS: Final = f"""
select {ACCOUNT}, a.password_hash, a.state = 'OK' as usable from account a"""

SET_STANDING: Final = """
update account set role = $2, studio_id = $3, state = $4 where id = $1 and state <> 'ERASED'
returning id"""

# --- mailed links --------------------------------------------------------------------------------

LINK: Final = """
link as (
    insert into account_token (id, account_id, purpose, expires_at)
    select gen_random_uuid(), who.id, $2, $3 from who
    returning id, account_id)
insert into outbox (id, user_id, topic, payload, done_at)
select nextval('outbox_id'), link.account_id, $4,
       jsonb_build_object('account_id', link.account_id, 'jti', link.id, 'language', $5::text,
                          'expires_at_ms', $6::bigint),"""

# $7: written and not carried.
LINK_AND_MAIL: Final = f"""
with who as (select $1::bigint as id),
{LINK}
       case when $7 then now() end
from link"""

_TO_WHOM_IT_CONCERNS: Final = f"""
{LINK}
       case when link.id is null then now() end
from (values (1)) always (row) left join link on true"""

SEND_VERIFICATION: Final = f"""
with who as (select id from account
             where email = $1 and state = 'OK' and email_verified_at is null),
{_TO_WHOM_IT_CONCERNS}"""

SEND_RESET: Final = f"""
with who as (select id from account where email = $1 and state = 'OK'),
{_TO_WHOM_IT_CONCERNS}"""

MAIL: Final = """
insert into outbox (id, user_id, topic, payload)
values (nextval('outbox_id'), $1, $2,
        jsonb_build_object('account_id', $1::bigint, 'language', $3::text))"""

# Account first, link second: the order of locks of everything here.
LOCK_ACCOUNT: Final = """
select id from account where id = $1 and state = 'OK' for no key update"""

USE_LINK: Final = """
update account_token set used_at = $4
where id = $1::uuid and account_id = $2 and purpose = $3 and used_at is null and expires_at > $4
returning account_id"""

SPEND_RESETS: Final = """
update account_token set used_at = $2
where account_id = $1 and purpose = 'reset_password' and used_at is null"""

VERIFY: Final = """
update account set email_verified_at = coalesce(email_verified_at, $2) where id = $1"""

RESET_PASSWORD: Final = """
update account set password_hash = $3, email_verified_at = coalesce(email_verified_at, $2)
where id = $1"""

CHANGE_PASSWORD: Final = """
update account set password_hash = $3
where id = $1 and password_hash = $2 and state = 'OK'
returning id"""

# --- sessions ------------------------------------------------------------------------------------

LOCK_CREDENTIALS: Final = """
select id from account
where id = $1 and password_hash = $2 and state = 'OK' for no key update"""

INSERT_SESSION: Final = f"""
insert into session as s (id, account_id, rotated_at, created_at, expires_at)
values (gen_random_uuid(), $1, $2, $2, $3)
returning {SESSION}"""

INSERT_SESSIONS: Final = """
insert into session (id, account_id, rotated_at, created_at, expires_at)
select gen_random_uuid(), account_id, $2, $2, $3 from unnest($1::bigint[]) as account_id
returning id::text, account_id"""

PUSH_OUT: Final = """
update session set revoked_at = $2 where id in (
    select id from session
    where account_id = $1 and revoked_at is null and expires_at > $2
    order by created_at desc, id offset $3)
returning id::text"""

ADVANCE: Final = f"""
update session s set generation = s.generation + 1, rotated_at = $3
from account a
where s.id = $1::uuid and s.generation = $2 and s.revoked_at is null and s.expires_at > $3
  and a.id = s.account_id and a.state = 'OK'
returning {SESSION}, {ACCOUNT}"""

READ_SESSION: Final = f"""
select {SESSION}, {ACCOUNT}
from session s join account a on a.id = s.account_id
where s.id = $1::uuid and a.state = 'OK'"""

END_SESSION: Final = """
update session set revoked_at = $2 where id = $1::uuid and revoked_at is null
returning id::text"""

END_SESSIONS: Final = """
update session set revoked_at = $2
where account_id = $1 and revoked_at is null and expires_at > $2
  and ($3::uuid is null or id <> $3)
returning id::text"""

ENDED_SINCE: Final = """
select id::text, revoked_at from session where revoked_at > $1 order by revoked_at, id"""

SWEEP_LINKS: Final = """
delete from account_token where id in (
    select id from account_token where expires_at < $1 limit $2)"""

SWEEP_SESSIONS: Final = """
delete from session where id in (
    select id from session where revoked_at < $1
    union all select id from session where expires_at < $1 limit $2)"""

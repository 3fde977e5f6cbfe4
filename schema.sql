-- HotHour: the whole database. A new database gets this file at once; an older one gets there by
-- engine/store/migrations, and a test holds the two to the same catalog.
--
-- Conventions: prices are minor units (kuruş), instants are timestamptz in whole milliseconds,
-- durations carry their unit. Every constraint says, in its comment, which rule it holds: the
-- engine checks first and answers with a code, the constraint is what is left when code is wrong.

-- Sequences ------------------------------------------------------------------------------------

create sequence fence_token;
comment on sequence fence_token is
    'Globally unique fencing tokens; whoever moved auction.fence last is the owner';

create sequence reservation_id increment by 1000;
comment on sequence reservation_id is
    'Nodes draw blocks of 1000 ids [n, n + 999], so a reservation knows its id before its commit';

create sequence outbox_id increment by 1000;
comment on sequence outbox_id is
    'Nodes draw blocks of 1000 ids [n, n + 999], so a personal frame knows its event_id before its commit';

-- Studios and accounts -------------------------------------------------------------------------

create table studio (
    id bigint generated always as identity constraint studio_pkey primary key,
    name text not null,
    address text not null default '',
    google_maps_url text,
    zone text not null default 'Europe/Istanbul',
    currency text not null default 'TRY',
    cancel_cutoff_s integer not null default 7200,
    no_show_grace_s integer not null default 900,
    max_open_reservations integer,
    created_at timestamptz not null default now(),
    constraint studio_name_given check (length(name) between 1 and 200),
    constraint studio_currency_iso check (currency ~ '^[A-Z]{3}$'),
    constraint studio_map_https check (google_maps_url is null or google_maps_url ~ '^https://'),
    constraint studio_policies_sane check (cancel_cutoff_s >= 0 and no_show_grace_s >= 0
        and (max_open_reservations is null or max_open_reservations > 0))
);
comment on constraint studio_pkey on studio is 'One row a studio';
comment on constraint studio_name_given on studio is 'A studio has a name of 1 to 200 characters';
comment on constraint studio_currency_iso on studio is 'Currency is an ISO 4217 code';
comment on constraint studio_map_https on studio is 'Map links are https only';
comment on constraint studio_policies_sane on studio is 'Cut-off, grace and cap are never negative';

create table account (
    id bigint generated always as identity constraint account_pkey primary key,
    email text not null,
    full_name text not null,
    phone text,
    gender text,
    role text not null default 'customer',
    studio_id bigint,
    password_hash text,
    state text not null default 'OK',
    email_verified_at timestamptz,
    marketing_consent_at timestamptz,
    created_at timestamptz not null default now(),
    constraint account_email_once unique (email),
    constraint account_phone_once unique (phone),
    constraint account_studio foreign key (studio_id) references studio,
    constraint account_email_folded check (email = lower(email) and length(email) between 3 and 254),
    constraint account_phone_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    constraint account_gender_known check (gender in ('FEMALE', 'MALE')),
    constraint account_role_known check (role in ('customer', 'desk', 'studio_admin', 'platform_admin')),
    constraint account_staff_has_studio check ((role in ('desk', 'studio_admin')) = (studio_id is not null)),
    constraint account_state_known check (state in ('OK', 'DISABLED', 'ERASED'))
);
comment on constraint account_pkey on account is 'One row a person';
comment on constraint account_email_once on account is 'An address belongs to one account, also when two register at once';
comment on constraint account_phone_once on account is 'A phone number belongs to one account, also when two register at once';
comment on constraint account_studio on account is 'Staff belong to a studio that exists';
comment on constraint account_email_folded on account is 'Addresses are stored folded, so case makes no second account';
comment on constraint account_phone_e164 on account is 'Phone numbers are stored in E.164';
comment on constraint account_gender_known on account is 'Gender is FEMALE, MALE or not given';
comment on constraint account_role_known on account is 'The four roles';
comment on constraint account_staff_has_studio on account is 'Desk and studio_admin belong to exactly one studio, others to none';
comment on constraint account_state_known on account is 'Only an account in state OK books';

create table session (
    id uuid constraint session_pkey primary key,
    account_id bigint not null,
    generation integer not null default 0,
    rotated_at timestamptz not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint session_account foreign key (account_id) references account on delete cascade
);
comment on constraint session_pkey on session is 'One row a login: the family of its refresh tokens, of which only the newest generation is good';
comment on constraint session_account on session is 'A session belongs to an account';
create index session_by_account on session (account_id) where revoked_at is null;
create index session_expiry on session (expires_at);
create index session_revoked on session (revoked_at) where revoked_at is not null;

create table account_token (
    id uuid constraint account_token_pkey primary key,
    account_id bigint not null,
    purpose text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint account_token_account foreign key (account_id) references account on delete cascade,
    constraint account_token_purpose_known check (purpose in ('verify_email', 'reset_password'))
);
comment on constraint account_token_pkey on account_token is 'A mailed link is good once: its id is the token''s jti';
comment on constraint account_token_account on account_token is 'A mailed link belongs to an account';
comment on constraint account_token_purpose_known on account_token is 'A link for one purpose is no good for another';
create index account_token_expiry on account_token (expires_at);
create index account_token_by_account on account_token (account_id, purpose) where used_at is null;

create table idempotency_key (
    account_id bigint not null,
    key text not null,
    fingerprint bytea not null,
    status integer not null,
    body bytea not null,
    created_at timestamptz not null default now(),
    constraint idempotency_key_pkey primary key (account_id, key),
    constraint idempotency_key_account foreign key (account_id) references account on delete cascade,
    constraint idempotency_key_form check (key ~ '^[A-Za-z0-9_-]{16,64}$')
);
comment on constraint idempotency_key_pkey on idempotency_key is 'A key of a user has one answer (bookings keep theirs on the reservation)';
comment on constraint idempotency_key_account on idempotency_key is 'Keys are scoped to an account';
comment on constraint idempotency_key_form on idempotency_key is '16 to 64 URL-safe characters';
create index idempotency_key_age on idempotency_key (created_at);

-- Auctions -------------------------------------------------------------------------------------

create table auction (
    id bigint generated always as identity constraint auction_pkey primary key,
    studio_id bigint not null,
    created_by bigint,
    title text not null,
    description text not null default '',
    allowed_gender text not null default 'ANY',
    currency text not null default 'TRY',
    start_price bigint not null,
    floor_price bigint not null,
    drop_amount bigint not null,
    drop_every_ms bigint not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    class_at timestamptz not null,
    seats integer not null default 1,
    cancel_cutoff_ms bigint not null default 7200000,
    no_show_grace_ms bigint not null default 900000,
    turbo_amount bigint,
    turbo_trigger_ms bigint,
    turbo_every_ms bigint,
    -- From here on: what the actor changes, by compare-and-set on (revision, fence) alone.
    status text not null,
    revision bigint not null default 0,
    fence bigint not null default 0,
    last_commit_id uuid,
    seats_left integer not null,
    turbo_started_at timestamptz,
    frozen_at timestamptz,
    high_water timestamptz not null default 'epoch',
    created_at timestamptz not null default now(),
    constraint auction_studio foreign key (studio_id) references studio,
    constraint auction_creator foreign key (created_by) references account on delete set null,
    constraint auction_title_given check (length(title) between 1 and 200),
    constraint auction_description_bound check (length(description) <= 4000),
    constraint auction_gender_known check (allowed_gender in ('ANY', 'FEMALE', 'MALE')),
    constraint auction_status_known check (status in ('DRAFT', 'SCHEDULED', 'ACTIVE', 'SOLD', 'EXPIRED', 'CANCELLED')),
    constraint auction_price_positive check (start_price > 0 and floor_price > 0 and drop_amount > 0),
    constraint auction_price_max check (start_price <= 9999999999),
    constraint auction_floor_below_start check (floor_price < start_price),
    constraint auction_drop_range check (drop_amount <= start_price - floor_price),
    constraint auction_window_order check (starts_at < ends_at),
    constraint auction_interval_range check (drop_every_ms > 0 and starts_at + drop_every_ms * interval '1 millisecond' <= ends_at),
    constraint auction_class_after_end check (class_at >= ends_at),
    constraint auction_turbo_whole check ((turbo_amount is null) = (turbo_trigger_ms is null) and (turbo_amount is null) = (turbo_every_ms is null)),
    constraint auction_turbo_range check (turbo_amount > 0 and turbo_amount <= start_price - floor_price
        and turbo_every_ms > 0 and turbo_every_ms < drop_every_ms
        and turbo_trigger_ms > 0 and starts_at + turbo_trigger_ms * interval '1 millisecond' <= ends_at),
    constraint auction_seats_bound check (seats between 1 and 500),
    constraint auction_policies_sane check (cancel_cutoff_ms >= 0 and no_show_grace_ms >= 0),
    constraint auction_seats_left_range check (seats_left between 0 and seats),
    constraint auction_draft_unborn check (status <> 'DRAFT' or revision = 0)
) with (fillfactor = 50);
comment on constraint auction_pkey on auction is 'One row an auction';
comment on constraint auction_studio on auction is 'An auction belongs to a studio';
comment on constraint auction_creator on auction is 'Who entered it, while that account exists';
comment on constraint auction_title_given on auction is 'A class has a title of 1 to 200 characters';
comment on constraint auction_description_bound on auction is 'At most 4000 characters';
comment on constraint auction_gender_known on auction is 'Open to ANY, FEMALE or MALE';
comment on constraint auction_status_known on auction is 'The six states of the status machine';
comment on constraint auction_price_positive on auction is 'RULE_PRICE_POSITIVE: prices and amounts are above zero';
comment on constraint auction_price_max on auction is 'RULE_PRICE_MAX: at most 99,999,999.99';
comment on constraint auction_floor_below_start on auction is 'RULE_FLOOR_BELOW_START';
comment on constraint auction_drop_range on auction is 'RULE_DROP_RANGE: one drop never passes the floor';
comment on constraint auction_window_order on auction is 'RULE_WINDOW_ORDER: it ends after it starts';
comment on constraint auction_interval_range on auction is 'RULE_INTERVAL_RANGE: 0 < interval <= window';
comment on constraint auction_class_after_end on auction is 'RULE_CLASS_AFTER_END: the class is not before the end of the sale';
comment on constraint auction_turbo_whole on auction is 'Turbo has all three numbers or none';
comment on constraint auction_turbo_range on auction is 'RULE_TURBO_DROP_RANGE, RULE_TURBO_INTERVAL, RULE_TURBO_TRIGGER';
comment on constraint auction_seats_bound on auction is '1 to 500 seats a class';
comment on constraint auction_policies_sane on auction is 'The studio''s policies as they were when the sale was entered: what a guest was told stays true';
comment on constraint auction_seats_left_range on auction is 'P1: never fewer than none and never more than all seats left';
comment on constraint auction_draft_unborn on auction is 'A draft has no public history: its first revision is the publication';
-- Without a predicate on status: a sale then stays a heap-only update but for auction_due.
create index auction_by_end on auction (ends_at, id);
create index auction_by_studio on auction (studio_id, class_at);
create index auction_due on auction (starts_at, id) where status in ('SCHEDULED', 'ACTIVE');

create table reservation (
    id bigint constraint reservation_pkey primary key,
    auction_id bigint not null,
    user_id bigint not null,
    seat_no integer not null,
    price bigint not null,
    max_price bigint,
    code text not null,
    key text,
    revision bigint not null,
    status text not null default 'PENDING_ON_SITE',
    code_live boolean not null default true,
    qr_token uuid not null default gen_random_uuid(),
    accepted_at timestamptz not null,
    changed_at timestamptz,
    changed_by bigint,
    change_reason text,
    given_back boolean not null default false,
    late_cancel boolean not null default false,
    constraint reservation_auction foreign key (auction_id) references auction,
    constraint reservation_user foreign key (user_id) references account,
    constraint reservation_status_known check (status in ('PENDING_ON_SITE', 'COMPLETED', 'NO_SHOW', 'CANCELLED')),
    constraint reservation_seat_positive check (seat_no >= 1),
    constraint reservation_price_positive check (price > 0),
    constraint reservation_within_max check (max_price is null or price <= max_price),
    constraint reservation_code_form check (code ~ '^HOT-[2-9A-HJKMNP-Z]{4,8}$'),
    constraint reservation_reason_bound check (length(change_reason) <= 500)
) with (fillfactor = 80);
comment on constraint reservation_pkey on reservation is 'One row a booking, kept for ever';
comment on constraint reservation_auction on reservation is 'A reservation is for an auction that exists';
comment on constraint reservation_user on reservation is 'P3: a reservation belongs to an account that exists';
comment on constraint reservation_status_known on reservation is 'The four states of a reservation';
comment on constraint reservation_seat_positive on reservation is 'Seats are numbered from one';
comment on constraint reservation_price_positive on reservation is 'A seat is never sold for nothing';
comment on constraint reservation_within_max on reservation is 'P4: never above the price the guest agreed to';
comment on constraint reservation_code_form on reservation is 'HOT-XXXX without I, L, O, 0 and 1';
comment on constraint reservation_reason_bound on reservation is 'A reason is at most 500 characters';
create unique index reservation_one_holder_per_seat on reservation (auction_id, seat_no) where status <> 'CANCELLED';
comment on index reservation_one_holder_per_seat is 'P1: a seat has one holder, whatever the code above does';
create unique index reservation_one_seat_per_user on reservation (auction_id, user_id) where status <> 'CANCELLED';
comment on index reservation_one_seat_per_user is 'One seat a guest an auction';
create unique index reservation_code_live on reservation (code) where code_live;
comment on index reservation_code_live is 'A code is unique among those still in use';
create unique index reservation_key on reservation (user_id, key);
comment on index reservation_key is 'P5: a key of a guest books once';
create index reservation_by_user on reservation (user_id, id);
create index reservation_by_auction on reservation (auction_id, id);
create index reservation_unattended on reservation (auction_id) where status = 'PENDING_ON_SITE';

create table event (
    auction_id bigint not null,
    revision bigint not null,
    kind text not null,
    at timestamptz not null,
    payload jsonb not null,
    commit_id uuid not null,
    constraint event_pkey primary key (auction_id, revision),
    constraint event_auction foreign key (auction_id) references auction
);
comment on constraint event_pkey on event is 'P6: a revision is committed at most once in the whole cluster';
comment on constraint event_auction on event is 'An event belongs to an auction that exists';

create table outbox (
    id bigint constraint outbox_pkey primary key,
    auction_id bigint,
    user_id bigint,
    topic text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    done_at timestamptz
);
comment on constraint outbox_pkey on outbox is 'Facts to carry onward, at least once; the id is the event_id receivers drop repeats by';
create index outbox_due on outbox (due_at, id) where done_at is null;
create index outbox_by_user on outbox (user_id, created_at) where user_id is not null;
create index outbox_done on outbox (done_at) where done_at is not null;

-- Nodes ----------------------------------------------------------------------------------------

create table node (
    id text constraint node_pkey primary key,
    incarnation bigint not null default 1,
    lease_until timestamptz not null,
    high_water timestamptz not null,
    started_at timestamptz not null default now()
);
comment on constraint node_pkey on node is 'One heartbeat row a member';

create table shard (
    no integer constraint shard_pkey primary key,
    node_id text,
    claims bigint not null default 0,
    constraint shard_owner foreign key (node_id) references node on delete set null
);
comment on column shard.claims is 'One more with every claim: tells a member that lost a shard and has it back, unheard, from one that had it all along';
comment on constraint shard_pkey on shard is 'One row a shard: auction id modulo their number';
comment on constraint shard_owner on shard is 'A shard is routed to a member that exists; the fence, not this row, guards the commit';
insert into shard (no) select generate_series(0, 63);

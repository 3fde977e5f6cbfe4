create schema if not exists seed;

create table if not exists seed.auction (
    id bigint generated always as identity primary key,
    title text not null,
    start_price bigint not null,
    floor_price bigint not null,
    drop_amount bigint not null,
    drop_every_ms bigint not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null
);

create table if not exists seed.reservation (
    id bigint generated always as identity primary key,
    auction_id bigint not null unique references seed.auction,
    guest_id bigint not null,
    price bigint not null,
    code text not null,
    created_at timestamptz not null default now()
);

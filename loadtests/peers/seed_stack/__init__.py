"""The seed stack: FastAPI on uvicorn, python-socketio, one asyncpg transaction a booking.

What a good team would write first: uvloop and httptools, bearer tokens verified at each request,
bodies checked by pydantic, a pool of connections, prepared statements, the price computed from the
schedule and never stored, a unique constraint that lets one guest win, a room an auction, no access
log. It keeps fewer promises than HotHour: no idempotency keys, no events, no outbox, no order among
presses but the database's.

`python -m loadtests.peers.seed_stack --dsn ... --secret ...` says `ready URL`. A press for a seat
that is sold costs a SELECT and an INSERT that fails; with `--look-first` the SELECT says whether it
is sold, and only those who press at the same time still reach the INSERT.
"""

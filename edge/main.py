"""The `hothour` command. Data on stdout, everything else on stderr; a mistake of the surroundings
or of the caller is one sentence and exit code 2."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import uvloop

from edge import logs, office, running
from edge.app import document
from edge.config import Config, ConfigError, load
from edge.demo import run as demonstration
from edge.office import Office
from engine.catalog.accounts import Person
from engine.errors import HotHourError, Invalid
from engine.ports.studios import Profile

app = typer.Typer(
    help="HotHour: seats of a class, sold by a falling price.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
studio_app = typer.Typer(help="Studios.", no_args_is_help=True)
user_app = typer.Typer(help="Accounts.", no_args_is_help=True)
app.add_typer(studio_app, name="studio")
app.add_typer(user_app, name="user")


class Role(StrEnum):
    """The four roles."""

    CUSTOMER = "customer"
    DESK = "desk"
    STUDIO_ADMIN = "studio_admin"
    PLATFORM_ADMIN = "platform_admin"


class Gender(StrEnum):
    """As a class may be open to."""

    FEMALE = "FEMALE"
    MALE = "MALE"


Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")]
DataDir = Annotated[Path | None, typer.Option(help="Embedded database, mail, node identity.")]


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Run one node; prints `ready http://HOST:PORT` once it can book."""
    with sentences():
        config = load(host=host, port=port, data_dir=data_dir)
        log = logs.configure(config.log_format, sys.stderr, config.log_level)
        if not _run(running.serve(config, log, lambda url: _say(f"ready {url}"))):
            raise typer.Exit(1)


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a board.")] = False,
) -> None:
    """A running shop to look at: seeded, with falling prices and guests who press."""
    with sentences():
        config = load(host=host, port=port, data_dir=data_dir, email_verification=False)
        if not _run(demonstration.run(config, sys.stdout, sys.stderr, plain=plain)):
            raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the database to this version's shape."""

    async def work(config: Config) -> None:
        async with running.database(config, "command", _tell) as dsn:
            with running.plainly():
                await running.prepare(dsn, allow_unsafe=config.allow_unsafe_database)

    with sentences():
        _run(work(load()))


@app.command()
def settings() -> None:
    """Show every setting, its value and where that came from; secrets are masked."""
    with sentences():
        for name, value, origin, meaning in load().shown():
            _say(f"{name}={value}\n    {origin}: {meaning}")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    _say(orjson.dumps(document(), option=orjson.OPT_INDENT_2).decode())


@app.command()
def healthcheck(
    url: Annotated[str | None, typer.Option(help="Of the server; default: this machine's.")] = None,
) -> None:
    """Exit 0 if the server is ready, else 1."""
    with sentences():
        config = load()
        base = url or running.url_of(config.host, config.port)
        if not _run(running.is_ready(base)):
            _tell(f"{base} is not ready")
            raise typer.Exit(1)


@studio_app.command("create")
def studio_create(
    name: Annotated[str, typer.Option(help="What guests call it.")],
    zone: Annotated[str, typer.Option(help="IANA time zone.")] = "Europe/Istanbul",
) -> None:
    """Make a studio; prints its id."""

    async def work(at: Office) -> None:
        made = await at.studios.create(Profile(name=name, zone=zone))
        _say(str(made.id))

    with sentences():
        _in_office(load(), work)


@user_app.command("create")
def user_create(
    email: Annotated[str, typer.Option(help="E-mail address.")],
    name: Annotated[str, typer.Option(help="Full name.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")],
    studio: Annotated[int | None, typer.Option(help="Of a desk or studio_admin.")] = None,
    gender: Annotated[Gender | None, typer.Option(help="For classes open to one.")] = None,
    phone: Annotated[str | None, typer.Option(help="Phone number.")] = None,
    password_env: Annotated[
        str | None, typer.Option(help="Variable that holds the password; else it is asked for.")
    ] = None,
) -> None:
    """Make a verified account; prints its id."""

    async def work(at: Office) -> None:
        person = Person(
            email=email,
            full_name=name,
            role=role.value,
            studio_id=studio,
            phone=phone,
            gender=None if gender is None else gender.value,
        )
        (made,) = await at.accounts.create([person], password)
        _say(str(made.id))

    with sentences():
        config = load()
        password = _password(password_env)
        _in_office(config, work)


@app.command()
def seed(
    users: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many guests.")],
    out: Annotated[Path, typer.Option(help="File for their tokens; added to if it is there.")],
    token_ttl_s: Annotated[int, typer.Option(min=1, max=86_400, help="Life of a token.")] = 86_400,
) -> None:
    """Make guests and a studio for load tests."""
    with sentences():
        config = load()
        if config.production:
            raise office.Refusal("Seeding is refused in production: its tokens are for tests.")
        _in_office(config, lambda at: office.seed(at, users, out, token_ttl_s))


_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def simulate(context: typer.Context) -> None:
    """Simulate the whole engine under every fault it may meet (--help)."""
    # Here and not above: what serves never loads a store in memory.
    from edge import simulate as simulation

    simulation.app(context.args, prog_name="hothour simulate")


def main() -> None:
    """The script's entry."""
    app()


# --- what the commands share ---------------------------------------------------------------------


@contextmanager
def sentences() -> Iterator[None]:
    """Let mistakes of the surroundings or the caller end in one sentence and exit code 2."""
    try:
        yield
    except (ConfigError, running.CannotRun, office.Refusal) as error:
        _tell(f"hothour: {error}")
        raise typer.Exit(2) from error
    except Invalid as error:
        fields = "; ".join(f"{e.field}: {e.message or e.code}" for e in error.errors)
        _tell(f"hothour: {error.detail}{f' ({fields})' if fields else ''}")
        raise typer.Exit(2) from error
    except HotHourError as error:
        _tell(f"hothour: {error.detail}")
        raise typer.Exit(2) from error


def _in_office(config: Config, work: Callable[[Office], Awaitable[None]]) -> None:
    async def opened() -> None:
        logs.configure(config.log_format, sys.stderr, "warning")
        async with running.database(config, "command", _tell) as dsn:
            with running.plainly():
                key = running.signing_key(config)
                async with office.opened(config, dsn, key) as at:
                    await work(at)

    _run(opened())


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _password(variable: str | None) -> str:
    if variable is None:
        return getpass.getpass("Password: ")
    given = os.environ.get(variable)
    if not given:
        raise office.Refusal(f"The variable {variable} holds no password.")
    return given


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()

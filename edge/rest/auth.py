"""/auth: registering, proving an address, signing in and out, passwords.

Answers never tell whether an address is known; the use cases see to it that the work does not
either. Tokens come and go in bodies: the one exception is a mailed link, whose pages stand in
auth_pages.py.
"""

from typing import Any, Final

from edge.routing import Access, Call, Handler, Lane, Reply, Route
from edge.wire.auth import (
    AcceptedAnswer,
    ChangePasswordBody,
    EmailBody,
    LoginBody,
    RefreshBody,
    RegisterBody,
    ResetPasswordBody,
    SignedInAnswer,
    TokenBody,
    UserAnswer,
)
from edge.wire.base import Answer, Body
from engine.catalog.accounts import Accounts, Registration
from engine.catalog.sessions import Sessions, SignedIn
from engine.errors import AuthInvalid, Busy, HotHourError, RuleBroken, UnknownOutcome
from engine.ports.accounts import Account

TAG: Final = "auth"
_UNSURE: Final = (Busy, UnknownOutcome)
_DONE: Final = Reply(204)
_VERIFICATION_SENT: Final = Reply(202, {"status": "verification_sent"})
_RESET_SENT: Final = Reply(202, {"status": "reset_sent"})


def routes(accounts: Accounts, sessions: Sessions) -> tuple[Route, ...]:
    """The routes of /auth that speak JSON."""
    return (*_account_routes(accounts), *_password_routes(accounts), *_session_routes(sessions))


def user_fields(account: Account) -> dict[str, Any]:
    """An account as an answer shows it (UserAnswer)."""
    return {
        "id": account.id,
        "email": account.email,
        "full_name": account.full_name,
        "phone": account.phone,
        "gender": account.gender,
        "role": account.role,
        "studio_id": account.studio_id,
        "email_verified": account.email_verified,
    }


def _account_routes(accounts: Accounts) -> tuple[Route, ...]:
    async def register(call: Call) -> Reply:
        body: RegisterBody = call.body
        form = Registration(
            email=body.email,
            full_name=body.full_name,
            phone=body.phone,
            gender=body.gender,
            password=body.password,
            marketing_consent=body.marketing_consent,
        )
        await accounts.register(form, call.language)
        return _VERIFICATION_SENT

    async def resend(call: Call) -> Reply:
        await accounts.resend_verification(call.body.email, call.language)
        return _VERIFICATION_SENT

    async def verify(call: Call) -> Reply:
        await accounts.verify_email(call.body.token)
        return _DONE

    async def me(call: Call) -> Reply:
        return Reply(200, user_fields(await accounts.me(call.user.user_id)))

    return (
        _mailing("register", register, RegisterBody, "Make an account and mail it a link"),
        _mailing("resend-verification", resend, EmailBody, "Mail the link again"),
        _post(
            "verify-email",
            verify,
            TokenBody,
            "Prove an address by the token of a mailed link, good once",
            codes=(AuthInvalid, *_UNSURE),
            lane=Lane.LOGIN,
        ),
        Route(
            method="GET",
            path="/auth/me",
            handler=me,
            access=Access.USER,
            summary="The account of the token",
            tag=TAG,
            answer=UserAnswer,
            codes=(Busy,),
        ),
    )


def _password_routes(accounts: Accounts) -> tuple[Route, ...]:
    async def change(call: Call) -> Reply:
        body: ChangePasswordBody = call.body
        await accounts.change_password(
            call.user.user_id,
            call.user.session_id,
            body.current_password,
            body.new_password,
            address=call.address,
            language=call.language,
        )
        return _DONE

    async def forgot(call: Call) -> Reply:
        await accounts.forgot_password(call.body.email, call.language)
        return _RESET_SENT

    async def reset(call: Call) -> Reply:
        body: ResetPasswordBody = call.body
        await accounts.reset_password(body.token, body.new_password, call.language)
        return _DONE

    return (
        _post(
            "change-password",
            change,
            ChangePasswordBody,
            "Set a new password; all other sessions end",
            access=Access.USER,
            codes=(RuleBroken, *_UNSURE),
            lane=Lane.LOGIN,
        ),
        _mailing("forgot-password", forgot, EmailBody, "Mail a link to set a new password"),
        _post(
            "reset-password",
            reset,
            ResetPasswordBody,
            "Set a new password by the token of a mailed link; all sessions end",
            codes=(AuthInvalid, *_UNSURE),
            lane=Lane.LOGIN,
        ),
    )


def _session_routes(sessions: Sessions) -> tuple[Route, ...]:
    async def login(call: Call) -> Reply:
        body: LoginBody = call.body
        return _signed_in(await sessions.login(body.email, body.password, call.address))

    async def refresh(call: Call) -> Reply:
        return _signed_in(await sessions.refresh(call.body.refresh_token))

    async def logout(call: Call) -> Reply:
        await sessions.logout(call.body.refresh_token)
        return _DONE

    async def logout_all(call: Call) -> Reply:
        await sessions.logout_all(call.user.user_id)
        return _DONE

    unsure = (AuthInvalid, *_UNSURE)
    return (
        _post(
            "login",
            login,
            LoginBody,
            "Open a session",
            status=200,
            answer=SignedInAnswer,
            codes=unsure,
            lane=Lane.LOGIN,
        ),
        _post(
            "refresh",
            refresh,
            RefreshBody,
            "The session's next tokens; a refresh token used again later ends it",
            status=200,
            answer=SignedInAnswer,
            codes=unsure,
        ),
        _post("logout", logout, RefreshBody, "End a session", codes=unsure),
        _post(
            "logout-all",
            logout_all,
            None,
            "End all sessions of the account",
            access=Access.USER,
        ),
    )


def _post(
    name: str,
    handler: Handler,
    body: type[Body] | None,
    summary: str,
    *,
    access: Access = Access.PUBLIC,
    status: int = 204,
    answer: type[Answer] | None = None,
    codes: tuple[type[HotHourError], ...] = _UNSURE,
    lane: Lane = Lane.NONE,
) -> Route:
    return Route(
        method="POST",
        path=f"/auth/{name}",
        handler=handler,
        access=access,
        summary=summary,
        tag=TAG,
        body=body,
        status=status,
        answer=answer,
        codes=codes,
        lane=lane,
    )


def _mailing(name: str, handler: Handler, body: type[Body], summary: str) -> Route:
    """A route that answers the same to all, and mails whoever it concerns."""
    return _post(name, handler, body, summary, status=202, answer=AcceptedAnswer, lane=Lane.LOGIN)


def _signed_in(signed_in: SignedIn) -> Reply:
    return Reply(
        200,
        {
            "access_token": signed_in.access_token,
            "refresh_token": signed_in.refresh_token,
            "token_type": "bearer",
            "expires_in": signed_in.expires_in_s,
            "user": user_fields(signed_in.account),
        },
    )

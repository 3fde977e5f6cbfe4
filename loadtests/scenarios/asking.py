"""One person's questions over REST, counted by Locust; what may be answered is the thresholds'."""

import json
from dataclasses import dataclass
from typing import Any, Final

from locust import FastHttpUser

from loadtests.scenarios.findings import Run
from loadtests.scenarios.roster import Person

API: Final = "/api/v1"
NO_ANSWER: Final = "NO_ANSWER"


@dataclass(frozen=True, slots=True)
class Answer:
    """`name`: the status, from 400 on the problem's code, or NO_ANSWER."""

    name: str
    fields: Any
    etag: str | None = None

    @property
    def good(self) -> bool:
        """Below 400."""
        return self.name.isdigit()

    @property
    def retryable(self) -> bool:
        """The server says that asking again may help, or nothing at all."""
        return self.name == NO_ANSWER or (not self.good and bool(self.fields.get("retryable")))


class Asking:
    """Over one user's connections."""

    def __init__(self, user: FastHttpUser, run: Run, person: Person) -> None:
        self._client = user.client
        self._run = run
        self._token = person.token

    def ask(
        self,
        method: str,
        path: str,
        name: str,
        *,
        body: dict[str, Any] | None = None,
        key: str | None = None,
        etag: str | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """The answer, whatever it is. `name`: the path as it is counted."""
        headers = {"Accept-Language": "en"}
        if not anonymous:
            headers["Authorization"] = f"Bearer {self._token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if etag is not None:
            headers["If-None-Match"] = etag
        with self._client.request(
            method, f"{API}{path}", name, headers=headers, json=body, catch_response=True
        ) as response:
            answer = _answer(response.status_code, response.content, response.headers)
            if self._run.allow(f"{method} {name}", answer.name):
                response.success()
            else:
                response.failure(answer.name)
        return answer


def _answer(status: int, content: bytes | None, headers: Any) -> Answer:
    try:
        fields = json.loads(content) if content else {}
    except ValueError:
        fields = {}
    if not status:
        return Answer(NO_ANSWER, {})
    if status < 400:
        return Answer(str(status), fields, headers.get("ETag"))
    code = fields.get("code") if isinstance(fields, dict) else None
    return Answer(code or f"HTTP_{status}", fields if code else {})

"""The documentation pages: Swagger UI at /docs, ReDoc at /redoc, and the document they show.

Everything comes from this server: the viewers' own files lie in the wheel `offapi`, whose code is
never run (importing it would read nine megabytes). The pages have a policy of their own, since both
viewers write styles into the page and ReDoc may search in a worker. The same policy keeps them from
calling anybody but us: ReDoc's logo of its maker stays away, and its telemetry is off besides.
"""

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from edge.endpoint import Tools
from edge.express import Serve
from edge.pipeline import PREFIX, mount

DOCUMENT: Final = f"{PREFIX}/openapi.json"
FILES: Final = "/docs/files"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_WHEEL: Final = "offapi"
_VIEWERS: Final = {
    "swagger-ui.css": ("swagger_style.css", "text/css"),
    "swagger-ui.js": ("swagger_bundle.js", "text/javascript"),
    "redoc.js": ("redoc.js", "text/javascript"),
}
"""Our name of a file: its name in the wheel, its media type."""

_HEAD: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>HotHour API</title>
<link rel="icon" href="data:,">
"""
_SWAGGER_PAGE: Final = f"""{_HEAD}<link rel="stylesheet" href="{FILES}/swagger-ui.css">
<div id="page"></div>
<script src="{FILES}/swagger-ui.js"></script>
<script src="{FILES}/start-swagger-ui.js"></script>
"""
_SWAGGER_START: Final = f"""SwaggerUIBundle({{
  url: "{DOCUMENT}",
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
}});
"""
_REDOC_PAGE: Final = f"""{_HEAD}<style>body {{ margin: 0 }}</style>
<div id="page"></div>
<script type="module" src="{FILES}/start-redoc.js"></script>
"""
_REDOC_START: Final = f"""import {{ init }} from "{FILES}/redoc.js";
init("{DOCUMENT}", {{ disableTelemetry: true }}, document.getElementById("page"));
"""


def install(app: web.Application, document: Callable[[], Any], tools: Tools) -> None:
    """Add the pages. `document` makes the OpenAPI document; it is asked once, when first needed.

    Raises FileNotFoundError if the viewers' files are not installed.
    """
    _page(app, "/docs", _SWAGGER_PAGE, "text/html", tools)
    _page(app, "/redoc", _REDOC_PAGE, "text/html", tools)
    _page(app, f"{FILES}/start-swagger-ui.js", _SWAGGER_START, "text/javascript", tools)
    _page(app, f"{FILES}/start-redoc.js", _REDOC_START, "text/javascript", tools)
    folder = viewers_folder()
    for name, (file, media_type) in _VIEWERS.items():
        mount(app, f"{FILES}/{name}", {"GET": _file(folder / file, media_type)}, tools)
    mount(app, DOCUMENT, {"GET": _once(lambda: orjson.dumps(document()))}, tools)


def viewers_folder() -> Path:
    """Where the viewers' files lie. Raises FileNotFoundError."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {_WHEEL} is not installed")
    folder = Path(spec.submodule_search_locations[0])
    for file, _ in _VIEWERS.values():
        if not (folder / file).is_file():
            raise FileNotFoundError(f"the package {_WHEEL} has no {file}")
    return folder


def _page(app: web.Application, path: str, text: str, media_type: str, tools: Tools) -> None:
    mount(app, path, {"GET": _bytes(text.encode(), f"{media_type}; charset=utf-8")}, tools)


def _file(path: Path, media_type: str) -> Serve:
    headers = _headers(f"{media_type}; charset=utf-8")

    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return serve


def _once(make: Callable[[], bytes]) -> Serve:
    made: list[Serve] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        if not made:
            made.append(_bytes(make(), "application/json"))
        return await made[0](request)

    return serve


def _bytes(body: bytes, content_type: str) -> Serve:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {**_headers(content_type), "ETag": etag}

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers)

    return serve


def _headers(content_type: str) -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-cache",  # kept, and asked for anew by its ETag
    }

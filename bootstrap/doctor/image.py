"""The runner image: whether it exists, which it is, and how old it is.

Source: Docker Engine API, `GET /images/{name}/json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bootstrap.doctor.findings import Finding, Level, judged
from bootstrap.doctor.host import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Label with the tag that an image was built for.
TAG_LABEL = "figbox.tag"

#: By then, its Python, libraries and fonts have likely had security updates.
OLD_DAYS = 90

DAY_S = 86_400


def judge(tag: str, image: dict[str, Any] | None, now_s: float) -> Iterator[Finding]:
    """Judge the image of a name by the engine's description of it, None if it has none, and by the clock."""
    if image is None:
        yield Finding("image", Level.BAD, f"the engine doesn't have the image {tag}", "`make image` builds it.")
        return
    digest = str(image.get("Id", ""))
    made_s = timestamp(str(image.get("Created", "")))
    days = max(0, int((now_s - made_s) // DAY_S)) if made_s is not None else None
    age = "of unknown age" if days is None else "made today" if days == 0 else f"{days} days old"
    what = f"image {tag}, {age}, {digest}"
    remedy = "Build it on the newest base (`make image ARGS=--refresh-base`), then restart."
    yield judged("image", what, remedy, good=days is not None and days <= OLD_DAYS, otherwise=Level.WARN)
    user = str((image.get("Config") or {}).get("User") or "")
    if user.partition(":")[0] in {"", "0", "root"}:
        yield Finding("image.user", Level.WARN, f"image {tag} runs as root by default", "Build it from runner-image/.")

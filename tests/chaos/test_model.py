"""The judge of the chaos test finds what it should, and the plan depends on the seed alone."""

from __future__ import annotations

import io
from itertools import islice

import pytest
from PIL import Image

from tests.chaos.model import STATUSES, Judge, Seen
from tests.chaos.plan import CONTAINER_FAULTS, Fault, Manner, RequestPlan, Work, plan_faults, plan_requests
from tests.chaos.programs import expected_pixels
from tests.support.live import Response


def picture(token: str) -> Response:
    """Return the response with the picture of a token."""
    png = io.BytesIO()
    Image.fromarray(expected_pixels(token)).save(png, "PNG")
    return Response(200, {"X-Request-ID": "1", "Content-Type": "image/png"}, png.getvalue())


def problem(slug: str, error: str = "") -> Response:
    """Return a well-formed problem."""
    status = STATUSES[slug]
    document = {"type": f"urn:figbox:problem:{slug}", "status": status, "request_id": "1", "error": error}
    if status == 500:
        document["outcome"] = slug.replace("-", "_")
    headers = {"X-Request-ID": "1", "Content-Type": "application/problem+json; charset=utf-8", "Retry-After": "1"}
    return Response(status, headers, b"", document)


def judged(
    response: Response | None, *faults: Fault, work: Work = Work.PICTURE, manner: Manner = Manner.PLAIN, at: float = 11
) -> list[str]:
    """Return what the judge says of one request between seconds 10 and 12, with faults a second long."""
    judge = Judge(engine_margin_s=1)
    for fault in faults:
        judge.begin(fault, at).ended = at + 1
    failure = "reset" if response is None else None
    judge.requests.append(Seen(RequestPlan(work, manner, "mine", 0, 0), 10, 10, 12, response, failure))
    return judge.violations()


def test_own_picture_passes_and_another_does_not() -> None:
    """A picture must be the one that its client asked for, and one that was asked for at all."""
    assert judged(picture("mine")) == []
    assert judged(picture("yours"))
    assert judged(picture("mine"), work=Work.SPIN)
    assert judged(picture("mine"), manner=Manner.STRANGER)


def test_own_traceback_passes_and_another_does_not() -> None:
    """An exception's text must be its client's own, too."""
    assert judged(problem("program-error", "ValueError: mine"), work=Work.ERROR) == []
    assert judged(problem("program-error", "ValueError: mine-1"), work=Work.ERROR)


@pytest.mark.parametrize("slug", sorted(set(STATUSES) - {"key-share-exceeded", "queue-full", "queue-timeout"}))
def test_without_a_fault_an_honest_job_has_no_excuse(slug: str) -> None:
    """Only load may refuse an honest job when nothing was done to anything."""
    assert judged(problem(slug))
    assert judged(None)


@pytest.mark.parametrize(
    ("slug", "faults", "explained"),
    [
        ("killed", (Fault.CONTAINER_KILL,), True),
        ("killed", (Fault.CONTAINER_PAUSE,), False),
        ("time-limit", (Fault.CONTAINER_PAUSE,), True),
        ("engine-unavailable", (Fault.ENGINE_HANG,), True),
        ("engine-unavailable", (Fault.GATEWAY_KILL,), False),
        ("shutting-down", (Fault.GATEWAY_TERM,), True),
        ("shutting-down", (Fault.GATEWAY_KILL,), False),
        ("invalid-output", tuple(Fault), False),
        (None, (Fault.GATEWAY_KILL,), True),
        (None, (Fault.ENGINE_CRASH,), False),
    ],
)
def test_faults_explain_what_they_cause(slug: str | None, faults: tuple[Fault, ...], explained: bool) -> None:  # noqa: FBT001 - a column
    """Each fault is an excuse for its own effects, and only while it lasts."""
    response = problem(slug) if slug else None
    assert (judged(response, *faults) == []) is explained
    assert judged(response, *faults, at=-1000)


@pytest.mark.parametrize(
    ("manner", "fault", "fits"),
    [
        (Manner.BROKEN, Fault.ENGINE_CRASH, True),
        (Manner.STALLED, Fault.ENGINE_HANG, True),
        (Manner.BROKEN, Fault.GATEWAY_KILL, False),
        (Manner.STRANGER, Fault.ENGINE_CRASH, False),
    ],
)
def test_a_gateway_without_an_engine_says_so_before_it_reads(manner: Manner, fault: Fault, fits: bool) -> None:  # noqa: FBT001 - a column
    """A bad body is not looked at while no engine is known; a stranger learns nothing of it."""
    assert (judged(problem("engine-unavailable"), fault, manner=manner) == []) is fits


def test_an_orderly_end_owes_a_response() -> None:
    """A connection lost to SIGTERM is no excuse for a request that was there long before."""
    assert judged(None, Fault.GATEWAY_TERM, at=11) == []
    judge = Judge(engine_margin_s=1)
    judge.begin(Fault.GATEWAY_TERM, 1000).ended = 1002
    judge.requests.append(Seen(RequestPlan(Work.PICTURE, Manner.PLAIN, "mine", 0, 0), 10, 10, 1001, None, "reset"))
    assert judge.violations()


def test_one_container_explains_one_failure() -> None:
    """Two jobs can't have died with the same container."""
    judge = Judge(engine_margin_s=1)
    judge.begin(Fault.CONTAINER_REMOVE, 11).ended = 11
    for token in ("mine", "yours"):
        plan = RequestPlan(Work.PICTURE, Manner.PLAIN, token, 0, 0)
        response = problem("container-lost")
        response.headers["X-Request-ID"] = response.json["request_id"] = token
        judge.requests.append(Seen(plan, 10, 10, 12, response))
    assert len(judge.violations()) == 1


def test_a_seed_is_a_plan() -> None:
    """The same seed plans the same, another one something else, and no two requests share a token."""

    def plan(seed: int) -> list[object]:
        faults = plan_faults(seed, "containers", CONTAINER_FAULTS, (0, 1), (0, 1))
        return [*islice(plan_requests(seed, "ann-0"), 50), *islice(faults, 20)]

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    tokens = [one.token for client in ("ann-0", "ann-1") for one in islice(plan_requests(1, client), 100)]
    assert len(set(tokens)) == 200

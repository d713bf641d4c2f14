"""Judges every request by what was done to the gateway, the engine and the containers meanwhile."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.results import Outcome
from tests.chaos.plan import CONTAINER_FAULTS, ENGINE_FAULTS, GATEWAY_FAULTS, Fault, Manner, RequestPlan, Work
from tests.chaos.programs import flaw_of_picture
from tests.support.machine import slowed

if TYPE_CHECKING:
    from tests.support.live import Response

PREFIX = "urn:figbox:problem:"

#: The problems that may come, and their statuses; every outcome of a job is 500 on this endpoint.
STATUSES = dict.fromkeys((str(outcome).replace("_", "-") for outcome in Outcome if outcome is not Outcome.OK), 500)
STATUSES |= {"unauthorized": 401, "invalid-request": 400, "body-too-large": 413, "body-timeout": 408}
STATUSES |= {"key-share-exceeded": 429, "queue-full": 503, "queue-timeout": 503, "shutting-down": 503}
STATUSES |= {"container-lost": 503, "engine-unavailable": 503}

#: Requests that are refused whatever the code does.
REFUSALS = {
    Manner.STRANGER: "unauthorized",
    Manner.BROKEN: "invalid-request",
    Manner.LARGE: "body-too-large",
    Manner.STALLED: "body-timeout",
}

#: The problem in which a job's code ends when nothing disturbs it.
OUTCOMES = {
    Work.PICTURE: None,
    Work.ERROR: "program-error",
    Work.NO_FIGURE: "no-figure",
    Work.SPIN: "time-limit",
    Work.MEMORY: "memory-limit",
    Work.FLOOD: "output-limit",
    Work.EXIT: "invalid-output",
    Work.MUTE: "invalid-output",
    Work.FORGE: "invalid-output",
}

ADMISSION = {"key-share-exceeded", "queue-full", "queue-timeout"}
LOST = {"container-lost", "engine-unavailable", "killed"}

#: Clients that don't wait for a response. A half-closed connection counts as a client that went away (aiohttp).
LEAVING = {Manner.GONE_BEFORE, Manner.GONE_DURING, Manner.GONE_AFTER, Manner.HALF_CLOSED}

#: Seconds a container's death may precede the request it hits: until the gateway hears of it from a busy engine.
NEWS_S = slowed(3)

#: A request that was sent this many seconds before SIGTERM has arrived, and is owed a response.
ARRIVED_S = slowed(2)


@dataclass(slots=True)
class Incident:
    """A fault that happened, from its beginning until its effects are over."""

    fault: Fault
    began: float
    ended: float = math.inf


@dataclass(slots=True)
class Seen:
    """A request as its client saw it; times are monotonic seconds.

    Attributes:
        sent: When its last byte was sent, None when it never was.
        failure: What broke the connection before the response's end, or None.
        overdue: The client gave up waiting.
    """

    plan: RequestPlan
    began: float
    sent: float | None = None
    ended: float = 0.0
    response: Response | None = None
    failure: str | None = None
    overdue: bool = False


@dataclass
class Judge:
    """Collects incidents and requests; says at the end which requests nothing explains.

    Args:
        engine_margin_s: Seconds after an engine's recovery in which a call that began before may still fail.
    """

    engine_margin_s: float
    incidents: list[Incident] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    pictures: int = 0

    def begin(self, fault: Fault, at: float) -> Incident:
        """Note a fault that begins now."""
        self.incidents.append(Incident(fault, at))
        return self.incidents[-1]

    def violations(self) -> list[str]:
        """Return a sentence for each request whose response was wrong, or that failed without an explanation."""
        self.pictures = 0
        found: list[str] = []
        unused = [incident for incident in self.incidents if incident.fault in CONTAINER_FAULTS]
        ids: Counter[str] = Counter()
        # In the order of their ends: then taking the earliest incident that fits each one wastes none.
        for seen in sorted(self.requests, key=lambda seen: seen.ended):
            flaw = self._flaw(seen, unused)
            if flaw is not None:
                found.append(f"{seen.plan.work}, {seen.plan.manner}, {seen.plan.token}: {flaw}")
            if seen.response is not None:
                ids[seen.response.headers.get("X-Request-ID", "")] += 1
        found += [f"request id {name!r} was used {count} times" for name, count in ids.items() if count > 1]
        return found

    def counts(self) -> str:
        """Return requests by outcome and faults by kind, for people."""
        requests = Counter(self._label(seen) for seen in self.requests)
        manners = Counter(seen.plan.manner.value for seen in self.requests)
        faults = Counter(incident.fault.value for incident in self.incidents)
        lines = [
            f"{len(self.requests)} requests: {_listed(requests)}",
            f"sent: {_listed(manners)}",
            f"{len(self.incidents)} faults: {_listed(faults)}",
            f"{self.pictures} pictures checked in every pixel",
        ]
        return "\n".join(lines)

    @staticmethod
    def _label(seen: Seen) -> str:
        if seen.response is not None:
            return "ok" if seen.response.status == 200 else slug_of(seen.response)
        return "client went away" if seen.plan.manner in LEAVING else "connection lost"

    def _flaw(self, seen: Seen, unused: list[Incident]) -> str | None:
        if seen.overdue:
            return "no response came"
        if seen.response is None:
            return None if seen.plan.manner in LEAVING else self._flaw_of_loss(seen)
        if seen.response.status == 200:
            if seen.plan.work is not Work.PICTURE or seen.plan.manner in REFUSALS:
                return "the response was a picture"
            self.pictures += 1
            return flaw_of_picture(seen.response.body, seen.plan.token)
        return flaw_of_problem(seen.response) or self._flaw_of_refusal(seen, seen.response, unused)

    def _flaw_of_loss(self, seen: Seen) -> str | None:
        down = self._during(seen, GATEWAY_FAULTS)
        if not down:
            return f"connection lost with the gateway up: {seen.failure}"
        sent_before = seen.sent is not None and seen.sent + ARRIVED_S < min(incident.began for incident in down)
        if (
            sent_before
            and all(incident.fault is Fault.GATEWAY_TERM for incident in down)
            and seen.plan.manner is not Manner.PIPELINED
            and not self._during(seen, ENGINE_FAULTS)
        ):
            return f"an orderly end lost it, though it had arrived: {seen.failure}"
        return None

    def _flaw_of_refusal(self, seen: Seen, response: Response, unused: list[Incident]) -> str | None:
        slug = slug_of(response)
        if seen.plan.manner in REFUSALS:
            # A gateway that has no launcher yet says so before it reads the body, to those with a right key.
            early = slug == "engine-unavailable" and seen.plan.manner is not Manner.STRANGER
            fits = slug == REFUSALS[seen.plan.manner] or (early and self._during(seen, ENGINE_FAULTS))
            return None if fits else f"the response was {slug}"
        if slug == OUTCOMES[seen.plan.work]:
            # An exception's text must be the request's own, as a picture must.
            said = f"ValueError: {seen.plan.token}" in response.json["error"].splitlines()
            return (
                None if said or seen.plan.work is not Work.ERROR else f"another's traceback: {response.json['error']}"
            )
        if slug in ADMISSION or self._is_explained(seen, slug, unused):
            return None
        return f"nothing explains {slug} ({response.json['error']!r})"

    def _is_explained(self, seen: Seen, slug: str, unused: list[Incident]) -> bool:
        """Tell whether a fault explains an error; a container's fault explains one only, and is used up."""
        if slug == "shutting-down":
            return any(incident.fault is Fault.GATEWAY_TERM for incident in self._during(seen, GATEWAY_FAULTS))
        if slug not in LOST and slug != "time-limit":
            return False
        if self._during(seen, ENGINE_FAULTS):
            return True
        kinds = {Fault.CONTAINER_PAUSE} if slug == "time-limit" else set(CONTAINER_FAULTS) - {Fault.CONTAINER_PAUSE}
        for incident in unused:
            if incident.fault in kinds and incident.ended + NEWS_S >= seen.began and incident.began <= seen.ended:
                unused.remove(incident)
                return True
        return False

    def _during(self, seen: Seen, faults: tuple[Fault, ...]) -> list[Incident]:
        margin_s = self.engine_margin_s if faults is ENGINE_FAULTS else 0.0
        return [
            incident
            for incident in self.incidents
            if incident.fault in faults and incident.began <= seen.ended and seen.began <= incident.ended + margin_s
        ]


def slug_of(response: Response) -> str:
    """Return the name of a response's problem."""
    return str(response.json.get("type", "")).removeprefix(PREFIX)


def flaw_of_problem(response: Response) -> str | None:
    """Return what is wrong with the form of a problem."""
    document, slug = response.json, slug_of(response)
    if response.headers.get("Content-Type", "").split(";")[0] != "application/problem+json":
        return f"{response.status} is not a problem document: {response.body[:200]!r}"
    if STATUSES.get(slug) != response.status or document.get("status") != response.status:
        return f"an undocumented error: {response.status} {document}"
    if document.get("request_id") != response.headers.get("X-Request-ID"):
        return "its request ids differ"
    if document.get("outcome") != (slug.replace("-", "_") if response.status == 500 else None):
        return f"its outcome is {document.get('outcome')!r}"
    if response.status in (429, 503) and not response.headers.get("Retry-After", "").isdigit():
        return "it doesn't say when to come back"
    return None


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"

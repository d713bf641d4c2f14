"""What the memory of a process is for, by a formula, and the budgets that keep it so.

    FIGBOX_MEMORY_MIB = base + connections + reading + bodies + answers

    base          the process itself, its libraries and threads
    connections   what aiohttp and asyncio buffer for each open connection
    reading       bodies on their way to workers, and jobs on their way back
    bodies        budget of bodies, from before they are read until their jobs have ended
    answers       budget of jobs that run and of answers that aren't sent yet

Every factor below was measured, with what a hostile client would send; `tests/unit/memory/test_memory_plan.py` repeats
that. docs/operations.md has the formula for operators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.memory.byte_budget import ByteBudget, Hold
from gateway.model.errors import StartError
from gateway.model.jobs import KiB, MiB

if TYPE_CHECKING:
    from gateway.model.jobs import Job
    from gateway.settings import LauncherSettings, Settings

#: The process when it serves nothing, and what its heaps keep of small objects after a flood.
BASE_BYTES = 96 * MiB

#: One connection: what asyncio reads at once and aiohttp keeps unread, and what waits to be written.
CONNECTION_BYTES = 160 * KiB

#: Times its bytes that a body takes, besides itself, while a worker reads it: its job as the worker's answer, and as
#: the job's parts.
READING_COPIES = 2

#: Workers that read bodies.
READERS = 2

#: Times its bytes that code takes: as text, and as the UTF-8 that Python keeps beside it.
CODE_COPIES = 5

#: What a body takes at least: its request, and the options of its job.
BODY_LEAST_BYTES = 16 * KiB

#: Times the output limit that the output of a job takes at most, while frames are cut from what came, while an archive
#: is made of it, or while it is written to the cache. A growing buffer has an eighth to spare.
OUTPUT_EIGHTHS = 18

#: Times their bytes that a job's files take besides: as frames, and on their way to the runner.
SENT_FILES_COPIES = 2

#: Times their bytes that a job's code and files take in a launcher's process: as a message and as a job, then as a job,
#: as frames, and on their way to the runner.
RECEIVED_JOB_COPIES = 3

#: What an answer takes besides its bytes while it is sent: a piece of it, and what waits to be written.
ANSWER_LEAST_BYTES = 256 * KiB

#: The share of bodies in what the two budgets have together.
BODIES_SHARE = 4

#: Seconds within which a slow client must advance while others wait for memory, and by how many bytes.
BODY_STALL_S = 2.0
BODY_STALL_BYTES = 64 * KiB
ANSWER_STALL_S = 5.0
ANSWER_STALL_BYTES = 256 * KiB


def body_bytes(length: int, code_limit_bytes: int) -> int:
    """Return what a body of this many bytes takes until its job has ended, while no worker reads it."""
    return BODY_LEAST_BYTES + length + length // 8 + CODE_COPIES * min(length, code_limit_bytes)


def job_bytes(output_limit_bytes: int, files_bytes: int) -> int:
    """Return what a running job takes, besides its body.

    Args:
        output_limit_bytes: Most that it may write.
        files_bytes: Its code and files together.
    """
    return ANSWER_LEAST_BYTES + output_limit_bytes * OUTPUT_EIGHTHS // 8 + SENT_FILES_COPIES * files_bytes


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How the memory of a gateway's process is shared out, in bytes.

    Attributes:
        base: The process itself.
        connections: All connections.
        reading: The bodies that workers read.
        bodies: Budget of bodies.
        answers: Budget of running jobs and answers.
        largest_body: What the largest body takes of its budget.
        largest_job: What the largest job takes of its budget.
    """

    base: int
    connections: int
    reading: int
    bodies: int
    answers: int
    largest_body: int
    largest_job: int

    @property
    def bound(self) -> int:
        """Most that the process takes."""
        return self.base + self.connections + self.reading + self.bodies + self.answers

    @property
    def jobs(self) -> int:
        """How many of the largest jobs can run at once."""
        return self.answers // self.largest_job

    def bound_for(self, jobs: int) -> int:
        """Return what the process would need for so many of the largest jobs at once."""
        # The budget of bodies grows with the whole; what it has beyond its least is of no use to jobs.
        return self.bound + max(0, jobs * self.largest_job - self.answers) * BODIES_SHARE // (BODIES_SHARE - 1)

    @classmethod
    def of(cls, settings: Settings) -> MemoryPlan:
        """Return the plan for these settings.

        The budget of bodies has room for two of the largest, that of answers for two jobs, or for as many as may run at
        once, so that one key can't shut the others out.

        Raises:
            StartError: `FIGBOX_MEMORY_MIB` is too small; the text says how much is needed.
        """
        largest = max(settings.body_limit_bytes, settings.files_limit_bytes)
        output = settings.output_limit_mib * MiB
        if settings.launcher_socket is None:
            output = max(own.output_limit_mib * MiB for own in settings.environments.values())
        connections = settings.connections_limit * CONNECTION_BYTES
        reading = READING_COPIES * READERS * largest
        body, job = body_bytes(largest, settings.code_limit_bytes), job_bytes(output, largest)
        jobs = max(2, settings.running_limit or 0)
        left = settings.memory_mib * MiB - BASE_BYTES - connections - reading
        bodies = max(2 * body, left // BODIES_SHARE)
        missing = 2 * body + jobs * job - left
        if missing > 0:
            needed = settings.memory_mib * MiB + missing
            raise StartError(
                f"{settings.connections_limit} connections, bodies of {largest // KiB} KiB and {jobs} jobs of "
                f"{output // MiB} MiB output need {-(-needed // MiB)} MiB of memory, and FIGBOX_MEMORY_MIB is "
                f"{settings.memory_mib}: raise it, or lower FIGBOX_RUNNING_LIMIT, FIGBOX_OUTPUT_LIMIT_MIB, "
                "FIGBOX_FILES_LIMIT_MIB or FIGBOX_CONNECTIONS_LIMIT"
            )
        bodies = min(bodies, left - jobs * job)
        return cls(BASE_BYTES, connections, reading, bodies, left - bodies, body, job)


class RequestMemory:
    """The budgets of a gateway.

    Args:
        plan: What each has.
        waiters_limit: Most bodies that wait to be read.
        wait_s: Longest time that one waits, in seconds.

    Attributes:
        bodies: What bodies hold.
        answers: What running jobs and unsent answers hold.
    """

    def __init__(self, plan: MemoryPlan, waiters_limit: int, wait_s: float) -> None:
        self._plan = plan
        self.bodies = ByteBudget(
            plan.bodies,
            waiters_limit=waiters_limit,
            wait_s=wait_s,
            stall_s=BODY_STALL_S,
            stall_bytes=BODY_STALL_BYTES,
        )
        self.answers = ByteBudget(
            plan.answers,
            waiters_limit=waiters_limit,
            wait_s=wait_s,
            stall_s=ANSWER_STALL_S,
            stall_bytes=ANSWER_STALL_BYTES,
        )

    def share_among(self, key_count: int) -> None:
        """Let one key have everything if it is the only one, else half; at least one body and one job."""
        for budget, largest in ((self.bodies, self._plan.largest_body), (self.answers, self._plan.largest_job)):
            budget.share_bytes = budget.total_bytes if key_count <= 1 else max(budget.total_bytes // 2, largest)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a job needs before it may run; see `gateway.admission.Room`.

    Attributes:
        hold: Gets it.
        amount: How much that is, in bytes.
    """

    hold: Hold
    amount: int

    @classmethod
    def of(cls, hold: Hold, job: Job, output_limit_bytes: int) -> Reservation:
        """Return what a job needs."""
        return cls(hold, job_bytes(output_limit_bytes, size_of(job)))

    def take(self) -> bool:
        """Take it if it is free; tell whether it was."""
        return self.hold.try_grow(self.amount)

    @property
    def waits_for_own_key(self) -> bool:
        """Whether the key itself holds what is missing."""
        return self.hold.exceeds_share(self.amount)


def size_of(job: Job) -> int:
    """Return the bytes of a job's code and files; of code the characters are counted, which is near enough."""
    return len(job.code) + sum(len(file.data) for file in job.files)


def launcher_budget(settings: LauncherSettings, connections: int, wait_s: float) -> ByteBudget:
    """Return the budget of a launcher in a process of its own, for its jobs and their results.

    Args:
        settings: How much memory the process may take.
        connections: Most connections at once.
        wait_s: Longest time that a job waits for memory, in seconds.

    Raises:
        StartError: There is no room for a single job; the text says how much is needed.
    """
    output = max(own.output_limit_mib * MiB for own in settings.environments.values())
    total = settings.memory_mib * MiB - BASE_BYTES - connections * CONNECTION_BYTES
    needed = job_bytes(output, 0) * max(1, settings.running_limit or 0)
    if total < needed:
        raise StartError(
            f"jobs of {output // MiB} MiB output need {-(-(needed - total) // MiB) + settings.memory_mib} MiB of "
            f"memory, and FIGBOX_MEMORY_MIB is {settings.memory_mib}: raise it, or lower FIGBOX_RUNNING_LIMIT or "
            "FIGBOX_OUTPUT_LIMIT_MIB"
        )
    return ByteBudget(total, waiters_limit=connections, wait_s=wait_s)


def received_job_bytes(output_limit_bytes: int, length: int) -> int:
    """Return what a job takes in a launcher's process: `length` bytes of code and files, and what it may write."""
    return job_bytes(output_limit_bytes, 0) + RECEIVED_JOB_COPIES * length

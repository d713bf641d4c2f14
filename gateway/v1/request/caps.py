"""What a service allows at most, beside what any request may say: environments and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model.errors import InvalidOptions, OptionError
from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.keys.keyring import KeyPolicy
    from gateway.model.jobs import EnvironmentFacts, Limits
    from gateway.v1.request.options import Options


def check_caps(
    options: Options, policy: KeyPolicy, environments: Mapping[str, EnvironmentFacts], limits: Limits
) -> Limits:
    """Return the limits that a job will have.

    Args:
        options: What it asks for.
        policy: What its key may have.
        environments: What there is; empty for as long as nobody knows, and then any name will do.
        limits: What holds for as long as nobody knows.

    Raises:
        InvalidOptions: It asks for more, or for an environment that isn't there.
    """
    facts = environments.get(options.environment)
    if environments and facts is None:
        raise InvalidOptions.of([OptionError("environment", f"must be one of {', '.join(sorted(environments))}")])
    allowed = policy.lowered(facts.limits if facts is not None else limits)
    faults = []
    if options.timeout_s is not None and options.timeout_s > allowed.wall_limit_s:
        faults.append(OptionError("timeout_s", f"may be at most {allowed.wall_limit_s:g} here"))
    if options.memory_limit_bytes is not None and options.memory_limit_bytes > allowed.memory_limit_bytes:
        faults.append(OptionError("memory_mib", f"may be at most {allowed.memory_limit_bytes // MiB} here"))
    if faults:
        raise InvalidOptions.of(faults)
    return allowed.lowered(options.timeout_s, options.memory_limit_bytes)

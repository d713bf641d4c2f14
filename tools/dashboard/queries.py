"""Queries that panels share, with the variables of the dashboard."""

from __future__ import annotations

from tools.dashboard.model import GREEN, RED, Query

#: The gateways that are chosen.
OF = 'instance=~"$instance"'

#: In steps that are right for the time that is shown.
WINDOW = "[$__rate_interval]"

YES_NO = {1: ("yes", GREEN), 0: ("no", RED)}
RED_BELOW_ONE = ((None, RED), (1, GREEN))


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return the rate of a counter, summed over all gateways or by some labels."""
    labels = f"{OF}, {where}" if where else OF
    summed = f"sum by ({by})" if by else "sum"
    return f"{summed} (rate({metric}{{{labels}}}{WINDOW}))"


def rates(metric: str, by: str, where: str = "") -> tuple[Query, ...]:
    """Return the rate of a counter for each value of a label, named by it."""
    return (Query(rate(metric, by, where), f"{{{{{by}}}}}"),)


def quantile(part: float, histogram: str, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram over all gateways."""
    return f"histogram_quantile({part}, {rate(f'{histogram}_bucket', ', '.join(filter(None, ('le', by))), where)})"


def share(of: str, whole: str) -> str:
    """Return a part of a whole; 0 where there is nothing."""
    return f"{of} / ({whole} > 0) or vector(0)"


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Return the median and two quantiles of those who wait longest."""
    return tuple(Query(quantile(part, histogram), f"p{part * 100:g}") for part in (0.5, 0.9, 0.99))


def gauge(metric: str, function: str = "sum", by: str = "") -> str:
    """Return a gauge over all gateways."""
    return f"{function}{f' by ({by})' if by else ''} ({metric}{{{OF}}})"


#: Requests that were refused because the host is full.
FULL = 'outcome=~"queue-full|queue-timeout"'
OVERLOAD = share(rate("figbox_requests_total", where=FULL), rate("figbox_requests_total"))

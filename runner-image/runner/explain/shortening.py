"""Makes a description shorter, so that it fits into what may be claimed of all figures of a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from explain.artists.entries import MINOR
from explain.words import ARTISTS_LIMIT, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words


def shortened(description: words.Description, limit_bytes: int) -> words.Description:
    """Return a description whose JSON has at most so many bytes, if need be with fewer artists of each axes.

    Those that show data stay longest. What is left out is counted. If a description without artists is still too long,
    that is what is returned.

    Args:
        description: What to shorten.
        limit_bytes: Bytes of its JSON, as `json.dumps` writes it.
    """
    most = ARTISTS_LIMIT
    short = description
    while most and len(json.dumps(as_json(short))) > limit_bytes:
        most //= 2
        axes = tuple(each._replace(**_fewer(each.artists, each.artists_left_out, most)) for each in description.axes)
        short = description._replace(axes=axes, **_fewer(description.artists, description.artists_left_out, most))
    return short


def _fewer(artists: Sequence[words.Artist], left_out: int, most: int) -> dict[str, Any]:
    """Return the fields of some artists, no more than so many, and of how many are left out."""
    order = sorted(range(len(artists)), key=lambda place: (artists[place].kind in MINOR, place))
    kept = sorted(order[:most])
    return {
        "artists": tuple(artists[place] for place in kept),
        "artists_left_out": left_out + len(artists) - len(kept),
    }

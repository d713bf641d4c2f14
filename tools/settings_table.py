"""Print the table of settings in docs/settings.md, made from the settings: `python -m tools.settings_table`."""

from __future__ import annotations

import sys

from gateway.settings import LauncherProcessSettings, Settings

#: Every setting by its field's name: the gateway's, then those that only a launcher in its own process has.
FIELDS = {**Settings.model_fields, **LauncherProcessSettings.model_fields}


def settings_table() -> str:
    """Return the rows of a Markdown table of every setting: its environment variable, default and meaning."""
    rows = [
        f"| `{field.alias}` | {_default(field.default)} | {str(field.description).replace('|', chr(92) + '|')} |"
        for field in FIELDS.values()
    ]
    return "\n".join(rows) + "\n"


def _default(value: object) -> str:
    if value in (None, ""):
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write("| Setting | Default | Meaning |\n| --- | --- | --- |\n" + settings_table())

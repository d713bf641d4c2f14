"""`python -m gateway`: just the service."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

from gateway.lifecycle import serve
from gateway.memory.malloc import return_freed_memory
from gateway.model.errors import StartError
from gateway.observability.logs import complain, configure_logging
from gateway.settings import Settings, load_settings


def main() -> int:
    """Run the service; return the exit status: 0 after a clean end, 1 when it can't start."""
    try:
        settings = load_settings()
        configure_logging(debug=settings.debug)
        return_freed_memory()
        asyncio.run(serve(settings, lambda url: announce(url, settings)))
    except StartError as error:
        complain(f"figbox: {error}")
        return 1
    return 0


def announce(url: str, settings: Settings) -> None:
    """Print a command that renders a picture, ready to be pasted into a shell in this folder."""
    at, option = "", ""
    if settings.http_socket is not None:
        at, option = f" at {settings.http_socket}", f" --unix-socket {shlex.quote(str(settings.http_socket))}"
    sys.stdout.write(
        f"Figbox serves {url}{at} (end with Ctrl-C). Try:\n\n"
        f'  curl -sS{option} {url}/v1/render -H "X-API-Key: {key_for_shell(settings)}" \\\n'
        """    -H 'Content-Type: text/x-python' --data 'plt.plot(np.sin(np.linspace(0, 9)))' -o plot.png\n\n"""
    )
    sys.stdout.flush()


def key_for_shell(settings: Settings, env_file: Path = Path(".env")) -> str:
    """Return what a shell replaces by the key: the key itself stays out of terminals and logs."""
    if settings.api_key is None:
        return "YOUR-KEY"
    if settings.api_key_file is not None:
        return f"$(cat {shlex.quote(str(settings.api_key_file))})"
    line = f"API_KEY={settings.api_key.get_secret_value()}"
    if env_file.is_file() and line in env_file.read_text("utf-8").splitlines():
        return "$(sed -n s/^API_KEY=//p .env)"
    return "$API_KEY"


if __name__ == "__main__":
    sys.exit(main())

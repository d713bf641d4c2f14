"""A client made from `/openapi.json`, against the running service."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY
from tests.support.command import run

if TYPE_CHECKING:
    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: The generator knows types of JSON and octets; pictures are octets to it.
CONFIG = """\
project_name_override: figbox-generated
package_name_override: figbox_generated
post_hooks: []
content_type_overrides:
  image/png: application/octet-stream
"""

#: What a user would write with it.
PROGRAM = """
import base64
import io
import json
import sys

from figbox_generated import AuthenticatedClient
from figbox_generated.api.render import environments, render
from figbox_generated.models import FailureDocument, Format, InvalidRequestDocument, RenderDocument, RenderFilesBody
from figbox_generated.models import RenderRequest
from figbox_generated.types import File

url, key = sys.argv[1:]
client = AuthenticatedClient(url, token=key, prefix="", auth_header_name="X-API-Key")
client = client.with_headers({"Accept": "application/json"})

found = environments.sync(client=client)
names = [environment.name for environment in found.environments]

good = render.sync(client=client, body=RenderRequest(code="plt.plot([1, 2])", dpi=50, seed=7))
assert isinstance(good, RenderDocument), good
picture = good.figures[0].pictures[0]

form = RenderFilesBody(
    code="plt.plot(np.loadtxt('data.txt'))", file=[File(io.BytesIO(b"1 2 3"), "data.txt", "text/plain")]
)
with_file = render.sync(client=client, body=form, dpi=50.0)

failed = render.sync(client=client, body=RenderRequest(code="1 / 0"))
assert isinstance(failed, FailureDocument), failed

refused = render.sync(client=client, body=RenderRequest(code="x", dpi=1))
assert isinstance(refused, InvalidRequestDocument), refused

print(json.dumps({
    "environments": names,
    "picture": base64.b64decode(picture.data).hex()[:16],
    "size": [picture.width_px, picture.height_px],
    "with_file": type(with_file).__name__,
    "outcome": failed.outcome.value,
    "refused": refused.errors[0].option,
}))
"""


def test_client_made_from_the_description(gateway: LiveGateway, tmp_path: Path) -> None:
    """The service understands its calls, and its types fit the responses, good ones and bad ones."""
    config = tmp_path / "config.yml"
    config.write_text(CONFIG)
    tool = Path(sys.executable).with_name("openapi-python-client")
    made = run(
        *(tool, "generate", "--url", f"{gateway.url}/openapi.json", "--config", config, "--meta", "none"),
        *("--output-path", tmp_path / "figbox_generated"),
        folder=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = run(sys.executable, "-c", PROGRAM, gateway.url, KEY, folder=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "environments": ["default"],
        "picture": "89504e470d0a1a0a",
        "size": [320, 240],
        "with_file": "RenderDocument",
        "outcome": "program_error",
        "refused": "dpi",
    }

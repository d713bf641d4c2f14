"""The comment on a pull request from a fork, whose report may say anything, against a stand-in for GitHub's API."""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from markdown_it import MarkdownIt

from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.recipes.files import CI
from tests.recipes.github import Job, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORKFLOW = CI / "github" / "workflows" / "figures-comment.yml"
SHA = "ab" * 20
FORK = {"id": 77, "full_name": "visitor/plots", "owner": {"login": "visitor"}}

#: A branch as a visitor may name it.
BRANCH = "x&head=owner:main$(touch${IFS}pwned)`id`"


@dataclass
class GitHub:
    """A stand-in for GitHub's API, which keeps comments.

    Attributes:
        pulls: The open pull requests.
        comments: Those that there are.
        asked: Each request: method, path and document.
    """

    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, target: str, document: Any) -> Any:
        """Return the answer to a request."""
        self.asked.append((method, target, document))
        parts = urlsplit(target)
        path, query = parts.path.removeprefix("/repos/owner/plots/"), parse_qs(parts.query)
        if (method, path) == ("GET", "pulls"):
            return [pull for pull in self.pulls if query["head"] == [pull["head"]["label"]]]
        if (method, path) == ("GET", "issues/5/comments"):
            first = (int(query["page"][0]) - 1) * int(query["per_page"][0])
            return self.comments[first : first + int(query["per_page"][0])]
        if (method, path) == ("POST", "issues/5/comments"):
            self.comments.append({"id": len(self.comments), "user": {"login": "github-actions[bot]"}, **document})
            return self.comments[-1]
        if method == "PATCH" and (found := re.fullmatch(r"issues/comments/(\d+)", path)):
            self.comments[int(found[1])].update(document)
            return self.comments[int(found[1])]
        return None


@contextmanager
def serving(github: GitHub) -> Iterator[None]:
    """Serve it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            document = json.loads(self.rfile.read(size)) if size else None
            assert self.headers["Authorization"] == "Bearer a-token"
            found = github.answer(self.command, self.path, document)
            data = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PATCH = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        github.url = f"http://127.0.0.1:{server.server_port}"
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def github() -> Iterator[GitHub]:
    """Return the stand-in, with one pull request from a fork."""
    head = {"label": f"visitor:{BRANCH}", "sha": SHA, "repo": FORK}
    made = GitHub(pulls=[{"number": 5, "head": head}])
    with serving(made):
        yield made


@pytest.fixture
def comment(github: GitHub, tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs the workflow after a run left a report; it returns what is shown."""

    def begin(report: Any, *, put: Callable[[Path], None] | None = None, **facts: Any) -> str:
        number = len(list(tmp_path.iterdir()))
        service = Service(tmp_path / f"kept-{number}", ROOT)
        if report is not None or put is not None:
            left = tmp_path / f"left-{number}" / "check.json"
            left.parent.mkdir()
            if put is not None:
                put(left)
            else:
                write(left, report if isinstance(report, bytes) else json.dumps(report))
            service.artifacts["figbox-report"] = left.parent
        event = {
            "id": 9,
            "event": "pull_request",
            "head_sha": SHA,
            "head_branch": BRANCH,
            "head_repository": FORK,
            "html_url": "https://github.com/owner/plots/actions/runs/9",
            **facts,
        }
        about = {"repository": "owner/plots", "api_url": github.url, "token": "a-token"}
        job = Job(service, tmp_path / f"job-{number}", about, {"workflow_run": event}, os.environ)
        assert job.workflow(WORKFLOW), job.shown
        assert not list(tmp_path.rglob("pwned"))
        return job.shown

    return begin


def figure(
    name: str, verdict: str = "changed", note: str = "changed: code", words: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return what a report says of a figure."""
    return {"name": name, "verdict": verdict, "note": note, "words": list(words)}


def shown(body: str) -> str:
    """Return a comment as HTML; raw HTML of it would stay."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(body)


def test_comment_of_a_fork(comment: Callable[..., str], github: GitHub) -> None:
    """The pull request gets a comment with what isn't the same, the worst first; the next run writes it anew."""
    figures = [figure("plots/a", "same"), figure("plots/b", words=("A title was added.",)), figure("plots/c", "failed")]
    assert "commented on pull request 5" in comment({"figures": figures})
    (made,) = github.comments
    assert "1 failed, 1 changed, 1 same, says [the job](https://github.com/owner/plots/actions/runs/9)" in made["body"]
    assert made["body"].index("| failed | `plots/c`") < made["body"].index("| changed | `plots/b`")
    assert "A title was added." in made["body"]
    comment({"figures": [figure("plots/a", "same")]})
    assert [entry["body"] for entry in github.comments] == [made["body"]]
    assert "1 same, says" in made["body"]


def test_comments_of_others_stay(comment: Callable[..., str], github: GitHub) -> None:
    """A comment that begins like ours and isn't, and many others before, are left alone."""
    github.comments += [
        {"id": number, "user": {"login": "visitor"}, "body": "<!-- figbox check -->\nmine"} for number in range(130)
    ]
    comment({"figures": []})
    assert len(github.comments) == 131
    comment({"figures": [figure("x")]})
    assert len(github.comments) == 131
    assert "`x`" in github.comments[-1]["body"]
    assert {entry["body"] for entry in github.comments[:-1]} == {"<!-- figbox check -->\nmine"}


def test_hostile_texts(comment: Callable[..., str], github: GitHub) -> None:
    """Nothing in a name, a note or a sentence has a meaning: markup, links, people, cells, breaks, direction."""
    evil = (
        "` | <img src=x onerror=alert(1)> [x](javascript:alert(1)) @everyone #1 ![](http://evil.example/x.png) \n"
        "\r\n| a | b |\n</details> \u202e\u2066 \x1b[31m \u2028 ```\n# Title"
    )
    comment({"figures": [figure(evil, "new", evil, (evil,)), figure("```", "missing", "|", ("`",))]})
    html = shown(github.comments[0]["body"])
    assert re.findall(r"<(?!/?(?:table|thead|tbody|tr|th|td|code|p|h3|a|br)\b|!-- figbox check --)[^>]*>", html) == []
    assert re.findall(r'href="([^"]*)"', html) == ["https://github.com/owner/plots/actions/runs/9"]
    outside = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    assert "everyone" not in outside
    assert "evil.example" not in outside
    assert len(re.findall(r"<tr>", html)) == 3
    assert not re.search(r"[\u202e\u2066\x1b\u2028]", github.comments[0]["body"])


def test_long_reports(comment: Callable[..., str], github: GitHub) -> None:
    """A comment stays below what GitHub takes, and says how many figures aren't listed."""
    figures = [figure("x" * 400, "new", "ü" * 400, ("\N{GRINNING FACE}" * 400,) * 5) for _ in range(200)]
    comment({"figures": figures})
    body = github.comments[0]["body"]
    assert len(body) < 65_536
    listed = body.count("| new |")
    assert 0 < listed <= 50
    assert f"{200 - listed} more are not listed." in body


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        {"figures": None},
        {"figures": [1]},
        {"figures": [{"name": "x", "verdict": "changed"}]},
        {"figures": [figure("x", "**all is well**")]},
        {"figures": [{**figure("x"), "name": {"a": 1}}]},
        {"figures": [{**figure("x"), "words": "text"}]},
        {"figures": [{**figure("x"), "words": [None]}]},
        {"figures": [{**figure("x"), "verdict": ["changed"]}]},
        b'{"figures": [' + b" " * 9_000_000 + b"]}",
    ],
    ids=range(14),
)
def test_what_is_no_report(comment: Callable[..., str], github: GitHub, report: Any) -> None:
    """It is refused in one sentence, and nothing is asked of GitHub."""
    said = comment(report)
    assert re.fullmatch(r"no comment: the report (is too large|can't be used: \w+)\n", said)
    assert github.asked == []


def test_link_in_place_of_the_report(comment: Callable[..., str], github: GitHub, tmp_path: Path) -> None:
    """What a link leads to, or a pipe, isn't read."""
    secret = write(tmp_path / "secret", json.dumps({"figures": [figure("secret")]}))
    for put in (lambda path: path.symlink_to(secret), lambda path: path.mkdir()):
        assert "no comment: the report can't be used" in comment(None, put=put)
    assert github.comments == []


def test_no_report(comment: Callable[..., str], github: GitHub) -> None:
    """A run that left none, for instance because it was cancelled, gets no comment."""
    assert comment(None) == ""
    assert github.comments == []


def test_only_the_pull_request_of_the_commit(comment: Callable[..., str], github: GitHub) -> None:
    """What the report says can't lead the comment elsewhere: not to another commit, fork, branch or kind of run."""
    report = {"figures": [figure("x")], "number": 1, "pull_request": 1}
    assert comment(report, event="push") == ""
    for facts in ({"head_sha": "cd" * 20}, {"head_branch": "main"}, {"head_repository": {**FORK, "id": 78}}):
        assert "no open pull request" in comment(report, **facts)
    github.pulls[0]["head"]["repo"] = None  # the fork is gone
    assert "no open pull request" in comment(report)
    assert github.comments == []

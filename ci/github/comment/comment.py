"""Comment on a pull request what a report of `figbox check --json` says, with Python's standard library alone.

The report comes from a job that the pull request controls. So it is a claim, and perhaps an attack:

- Which pull request it is about is not in it: that is asked of GitHub, by what the event says of the run.
- It is read up to a limit, and never through a link. What isn't as it should be ends this with one sentence.
- No Markdown of it is used. Each text becomes code, cut, without characters that don't show; a verdict is one of ours.
- Of what GitHub answers, only numbers are used for further requests.

Source: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests and
https://docs.github.com/en/rest/issues/comments; for forks, `pull_requests` of the event is empty.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

#: Bytes of a report that are read.
REPORT_LIMIT = 8 * 1024 * 1024

#: Figures that are listed, and characters of each text; GitHub takes 65,536 characters of a comment.
ROWS_LIMIT = 50
TEXT_LIMIT = 300
BODY_LIMIT = 60_000

#: Sentences on a figure.
SENTENCES_LIMIT = 5

#: Comments of a pull request that are searched for an earlier one of ours.
PAGES_LIMIT = 10
PAGE = 100

#: Verdicts, beginning with what needs most attention.
VERDICTS = ("failed", "not run", "changed", "missing", "new", "renderer changed", "same")

#: Begins our comments, and whose they must be.
MARK = "<!-- figbox check -->"
AUTHOR = "github-actions[bot]"

TIMEOUT_S = 30


class Problem(Exception):
    """Why there is no comment."""


def main(report: Path) -> None:
    """Comment on every open pull request that the run was for."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))["workflow_run"]
    if event["event"] != "pull_request":
        raise Problem("the run wasn't for a pull request")
    text = body(figures(report), event["head_sha"], event["html_url"])
    numbers = pull_requests(event)
    if not numbers:
        raise Problem("no open pull request has the commit that was checked; it may have moved on")
    for number in numbers:
        comment(number, text)
        sys.stdout.write(f"commented on pull request {number}\n")


def figures(report: Path) -> list[dict[str, Any]]:
    """Return what is claimed of each figure: name, verdict, and sentences.

    Raises:
        Problem: The report isn't one.
    """
    try:
        descriptor = os.open(report, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(REPORT_LIMIT + 1)
        if len(data) > REPORT_LIMIT:
            raise Problem("the report is too large")
        return [_figure(entry) for entry in json.loads(data)["figures"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem(f"the report can't be used: {type(error).__name__}") from None


def _figure(entry: Any) -> dict[str, Any]:
    """Return one figure; raise ValueError, KeyError or TypeError if it isn't one."""
    words = entry["words"]
    if entry["verdict"] not in VERDICTS or not isinstance(words, list):
        raise ValueError
    texts = [entry["note"], *words[:SENTENCES_LIMIT]]
    if not all(isinstance(text, str) for text in (entry["name"], *texts)):
        raise TypeError
    return {"name": entry["name"], "verdict": entry["verdict"], "texts": [text for text in texts if text]}


def body(claimed: list[dict[str, Any]], commit: str, run: str) -> str:
    """Return the comment.

    Args:
        claimed: As `figures` returns it.
        commit: The commit that was checked.
        run: The address of the run's page.
    """
    counts = {verdict: sum(figure["verdict"] == verdict for figure in claimed) for verdict in VERDICTS}
    tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "no figures"
    lines = [
        MARK,
        "### Figures",
        "",
        f"{tally}, says [the job]({run}) that checked {commit[:10]}. Its artifact has the pictures.",
    ]
    told = sorted((it for it in claimed if it["verdict"] != "same"), key=lambda it: VERDICTS.index(it["verdict"]))
    rows = [_row(figure) for figure in told[:ROWS_LIMIT]]
    while sum(map(len, rows)) > BODY_LIMIT - 1000:
        rows.pop()
    if rows:
        lines += ["", "| | Figure | What |", "| --- | --- | --- |", *rows]
    if len(told) > len(rows):
        lines += ["", f"{len(told) - len(rows)} more are not listed."]
    return "\n".join(lines) + "\n"


def _row(figure: dict[str, Any]) -> str:
    what = "<br>".join(_code(text) for text in figure["texts"])
    return f"| {figure['verdict']} | {_code(figure['name'])} | {what} |"


def _code(text: str) -> str:
    """Return a claimed text as code in a cell, in which nothing has a meaning: no tag, link, person or issue."""
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    line = line if len(line) <= TEXT_LIMIT else line[: TEXT_LIMIT - 1] + "…"
    return "`" + (line.strip().replace("`", "'").replace("|", "\N{BROKEN BAR}") or "?") + "`"


def pull_requests(event: dict[str, Any]) -> list[int]:
    """Return the numbers of the open pull requests whose last commit is the one that the run checked."""
    fork = event["head_repository"]
    query = {"state": "open", "per_page": PAGE, "head": f"{fork['owner']['login']}:{event['head_branch']}"}
    listed = ask("GET", "pulls?" + urllib.parse.urlencode(query))
    return [
        int(found["number"])
        for found in listed
        if found["head"]["sha"] == event["head_sha"] and (found["head"]["repo"] or {}).get("id") == fork["id"]
    ]


def comment(number: int, text: str) -> None:
    """Write a comment, or write our earlier one anew."""
    for page in range(1, PAGES_LIMIT + 1):
        listed = ask("GET", f"issues/{number}/comments?per_page={PAGE}&page={page}")
        for found in listed:
            if found["user"]["login"] == AUTHOR and found["body"].startswith(MARK):
                ask("PATCH", f"issues/comments/{int(found['id'])}", {"body": text})
                return
        if len(listed) < PAGE:
            break
    ask("POST", f"issues/{number}/comments", {"body": text})


def ask(method: str, path: str, document: dict[str, str] | None = None) -> Any:
    """Send a request about this repository to GitHub; return the answer.

    Raises:
        Problem: GitHub can't be reached, or refuses.
    """
    request = urllib.request.Request(  # noqa: S310 - the address is GitHub's, as GitHub says
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=json.dumps(document).encode() if document is not None else None,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the same
            return json.load(response)
    except (urllib.error.URLError, ValueError) as error:
        raise Problem(f"GitHub couldn't be asked ({method}): {error}") from None


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Problem as problem:
        sys.stdout.write(f"no comment: {problem}\n")

"""Descriptions and findings: as values of the library, and on the terminal and in the report of the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import figbox as library
from figbox import Finding
from tests.client.conftest import PLOT, write
from tests.client.service import KEY, Canned, Service, failed, figure, rendered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import Figbox

NOTE = {
    "code": "axes-unlabelled",
    "severity": "note",
    "sentence": "No title.",
    "advice": "Set one.",
    "axes": [],
    "box": None,
}
CUT = {
    "code": "text-cut-off",
    "severity": "error",
    "sentence": "It is\x1b[31m cut off.",
    "advice": "Use a tight box.",
    "axes": [1, 2],
    "box": {"x": 1, "y": 2.5, "width": 3, "height": 4},
}
READ_CUT = Finding("text-cut-off", "error", "It is\x1b[31m cut off.", "Use a tight box.", (1, 2), (1, 2.5, 3, 4), 1)
READ_NOTE = Finding("axes-unlabelled", "note", "No title.", "Set one.", figure=1)
DESCRIPTION = {"level": "full", "axes": [{"title": "T"}], "more": "of a newer service"}
REASON = "Figure 1: error: It is cut off. Use a tight box. (text-cut-off)"


def described(*findings: dict[str, Any], left_out: int = 0) -> Canned:
    """Return the response to a figure that was described."""
    said = {
        "alt_text": "A line.",
        "description": DESCRIPTION,
        "findings": [*findings],
        "findings_left_out": left_out,
    }
    return rendered([{**figure(1, "png"), **said}])


def test_figure_has_what_is_said_of_it(service: Service) -> None:
    """The description as the service wrote it, findings as values; without them there is nothing."""
    service.canned += [described(NOTE, CUT, left_out=2), rendered([figure(1, "png")])]
    with library.Client(service.url, KEY) as client:
        (said,) = client.render(PLOT, describe="full", fail_on=("error", "axes-unlabelled")).figures
        (silent,) = client.render(PLOT, fail_on="note").figures
    assert (said.alt_text, said.description, said.findings_left_out) == ("A line.", DESCRIPTION, 2)
    assert said.findings == (READ_NOTE, READ_CUT)
    assert (silent.alt_text, silent.description, silent.findings) == (None, None, ())
    assert [(sent.get("describe"), sent["fail_on"]) for sent in service.renders] == [
        ("full", ["error", "axes-unlabelled"]),
        (None, "note"),
    ]


def test_refused_findings_are_a_failure(service: Service) -> None:
    """With those that were refused, each with the number of its figure."""
    service.canned.append(failed("findings", REASON, findings=[{"figure": 1, **CUT}], explanations=[]))
    with library.Client(service.url, KEY) as client, pytest.raises(library.RenderFailed) as caught:
        client.render(PLOT, fail_on=["error"])
    assert caught.value.outcome == library.Outcome.FINDINGS
    assert caught.value.findings == (READ_CUT,)
    assert str(caught.value) == REASON


@pytest.mark.parametrize("wrong", [{"findings": 7}, {"findings": [7]}, {"description": []}, {"alt_text": 1}])
def test_what_is_not_as_the_contract_says(service: Service, wrong: dict[str, Any]) -> None:
    """It is a bad response, with the place."""
    service.canned.append(rendered([{**figure(1, "png"), **wrong}]))
    with library.Client(service.url, KEY) as client, pytest.raises(library.BadResponse, match=r"figures\[0\]"):
        client.render(PLOT, describe="full")


def test_command_tells_findings(figbox: Figbox, service: Service, workplace: Path) -> None:
    """On standard error, the worst first and harmless to show; not if it is to be quiet."""
    write(workplace / "a.py", PLOT)
    service.canned += [described(NOTE, CUT, left_out=3)] * 2
    done = figbox("render", "a.py", "-o", "out", "--describe", "summary")
    assert done.status == 0
    shown = "\n    error: It is\N{REPLACEMENT CHARACTER}[31m cut off. Use a tight box. (text-cut-off)\n"
    assert shown + "    note: No title. Set one. (axes-unlabelled)\n    and 3 more findings\n" in done.stderr
    assert service.renders[0]["describe"] == "summary"
    assert "cut off" not in figbox("render", "a.py", "-o", "out", "--describe", "summary", "-q").stderr


def test_report_has_descriptions(figbox: Figbox, service: Service, workplace: Path) -> None:
    """Of each figure that has one, as the service wrote it."""
    write(workplace / "a.py", PLOT)
    service.canned += [described(CUT), rendered([figure(1, "png")])]
    for expected in (
        [
            {
                "figure": 1,
                "label": "",
                "alt_text": "A line.",
                "description": DESCRIPTION,
                "findings": [{**CUT, "box": [1, 2.5, 3, 4], "figure": 1}],
                "findings_left_out": 0,
            }
        ],
        [],
    ):
        done = figbox("render", "a.py", "-o", "out", "--json", "--describe", "full")
        (entry,) = json.loads(done.stdout)["scripts"]
        assert entry["described"] == expected


def test_refused_findings_fail_the_script(figbox: Figbox, service: Service, workplace: Path) -> None:
    """With the exit status of scripts that failed, and everything that was refused."""
    write(workplace / "a.py", PLOT)
    one, two = [{"figure": 1, **CUT}], [{"figure": 1, **CUT}, {"figure": 1, **NOTE}]
    both = f"{REASON}\nFigure 1: note: No title. Set one. (axes-unlabelled)"
    service.canned += [failed("findings", REASON, findings=one), failed("findings", both, findings=two)]
    done = figbox("render", "a.py", "-o", "out", "--fail-on", "error", "--fail-on", "axes-unlabelled")
    assert done.status == 1
    assert f"FAILED  a.py: findings: {REASON}\n" in done.stderr
    assert service.renders[0]["fail_on"] == ["error", "axes-unlabelled"]
    done = figbox("render", "a.py", "-o", "out", "--fail-on", "note", "--json")
    assert f"FAILED  a.py: findings: 2 findings\n    | {both.replace(chr(10), chr(10) + '    | ')}\n" in done.stderr
    (entry,) = json.loads(done.stdout)["scripts"]
    assert (entry["outcome"], entry["reason"]) == ("findings", "code")
    assert [finding["code"] for finding in entry["findings"]] == ["text-cut-off", "axes-unlabelled"]


def test_long_finding_is_told_to_its_end(figbox: Figbox, service: Service, workplace: Path) -> None:
    """What mends the figure stands last, so a reason that is too long for the script's line is below it."""
    write(workplace / "a.py", PLOT)
    long = f"Figure 1: error: {'The label is cut off. ' * 12}Give it room. (text-cut-off)"
    service.canned.append(failed("findings", long, findings=[{"figure": 1, **CUT}]))
    done = figbox("render", "a.py", "-o", "out", "--fail-on", "error")
    assert f"FAILED  a.py: findings: 1 finding\n    | {long}\n0 rendered" in done.stderr


def test_project_s_file_can_ask_for_them(figbox: Figbox, service: Service, workplace: Path) -> None:
    """As for every other flag."""
    write(workplace / "a.py", PLOT)
    write(workplace / "pyproject.toml", '[tool.figbox]\noutput = "out"\ndescribe = "data"\nfail-on = ["warning"]\n')
    assert figbox("render", "a.py").status == 0
    assert (service.renders[0]["describe"], service.renders[0]["fail_on"]) == ("data", ["warning"])

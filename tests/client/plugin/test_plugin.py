"""What tests of figures say, accept and refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.plugin.conftest import FIGURES, TESTS
from tests.client.test_package import wheel  # noqa: F401 - a fixture
from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.plugin.conftest import Tested


def test_new_figures_fail_until_they_are_accepted(tested: Tested) -> None:
    """Without accepted pictures each test fails, and says what to do; then they pass, and so does `figbox check`."""
    first = tested.run()
    assert (first.status, first.passed, first.failed) == (1, 0, 5)
    assert "new              plots/bars\n" in first.text
    assert "run this test again with --figbox-accept" in first.text
    assert not tested.lock()
    accepted = tested.run("--figbox-accept")
    assert (accepted.status, accepted.passed) == (0, 5)
    assert tested.figures() == FIGURES
    assert [f"accepted {name}" in accepted.text for name in FIGURES] == [True] * len(FIGURES)
    again = tested.run()
    assert (again.status, again.passed) == (0, 5), again.text
    assert tested.project.others("plots/bars.py", "plots/two.py") == {}


def test_change_is_told_as_by_the_check(tested: Tested) -> None:
    """A changed figure fails its test with the check's own line, and the paths of both pictures, which are there."""
    tested.run("--figbox-accept")
    tested.project.write("plots/bars.py", "plt.bar([3], [4])\n")
    ran = tested.run()
    assert (ran.status, ran.passed, ran.failed) == (1, 4, 1)
    line = next(line for line in ran.text.splitlines() if line.startswith("changed "))
    assert line in tested.project.check("plots/bars.py").stderr
    tested.run()
    for path in ("figures/plots/bars.png", ".figbox-check/after/plots/bars.png"):
        assert path in ran.text
        assert (tested.folder / path).read_bytes().startswith(b"\x89PNG")
    assert "1 changed, 7 same; pictures: " in ran.text
    assert f"service: {tested.project.service.url} (from the environment)" in ran.text


def test_accepting_takes_only_what_ran(tested: Tested) -> None:
    """What is deselected, or isn't reached, stays as it is."""
    tested.run("--figbox-accept", "-k", "test_path or test_code")
    assert tested.figures() == ["plots/bars", "tests/test_plots.py/test_code"]
    before = tested.lock()
    tested.project.write("plots/bars.py", "plt.bar([3], [4])\n")
    tested.run("--figbox-accept", "-k", "test_code")
    assert tested.lock() == before
    tested.run("--figbox-accept", "-k", "test_path")
    assert tested.lock() != before


def test_figbox_accept_takes_scripts_and_leaves_the_tests(tested: Tested) -> None:
    """A run of pytest is the last check; what tests draw under their own names is accepted by pytest alone."""
    tested.run()
    done = tested.project.figbox("accept")
    assert done.status == 2
    assert "drawn by tests, so accept them by `pytest --figbox-accept`: tests/test_plots.py/test_code" in done.stderr
    tested.project.accept("plots/*")
    assert tested.figures() == FIGURES[:3]


def test_the_check_leaves_figures_of_tests_alone(tested: Tested) -> None:
    """`figbox check` doesn't find missing what only tests draw."""
    tested.run("--figbox-accept")
    assert set(tested.project.others()) == {"README.md/trend", "plots/rain"}


def test_fewer_figures_than_before(tested: Tested) -> None:
    """A figure that is no longer drawn fails its test, accepting or not, until it is removed."""
    tested.run("--figbox-accept", "-k", "named")
    tested.project.write("plots/two.py", "plt.figure()\n")
    ran = tested.run("--figbox-accept", "-k", "named")
    assert ran.failed == 1
    assert "missing          plots/two-2 (only 1 are drawn now)" in ran.text
    tested.project.accept("--prune")
    assert tested.figures() == ["plots/two"]


@pytest.mark.parametrize("accept", [(), ("--figbox-accept",)])
def test_failing_code_fails_its_test(tested: Tested, accept: tuple[str, ...]) -> None:
    """The traceback is in the report, without what a terminal would obey; nothing is accepted."""
    tested.project.write("plots/bars.py", "raise ValueError('no \\x1b[31m good')\n")
    ran = tested.run("-k", "path", *accept)
    assert (ran.status, ran.failed) == (1, 1)
    assert "ValueError" in ran.text
    assert "\x1b" not in ran.text
    assert not tested.lock()


@pytest.mark.parametrize("workers", ["2", pytest.param("3", marks=pytest.mark.variant)])
def test_under_xdist(tested: Tested, workers: str) -> None:
    """Workers draw, and one process writes: the lock is that of a run without workers."""
    alone = tested.run("--figbox-accept")
    expected = tested.lock()
    (tested.folder / "figbox.lock").unlink()
    ran = tested.run("--figbox-accept", "-n", workers)
    assert (ran.status, ran.passed) == (0, 5), ran.text
    assert tested.lock() == expected
    assert f"8 new; pictures: {tested.folder / '.figbox-check'}" in ran.text
    assert "8 new; pictures: " in alone.text
    assert tested.run("-n", workers).status == 0


WRONG = {
    "a figure": (
        "@pytest.mark.figbox\ndef test_it():\n    class Figure:\n        def savefig(self): pass\n    return Figure()",
        "run the suite for pytest-mpl by `figbox pytest`",
    ),
    "nothing": ("@pytest.mark.figbox\ndef test_it():\n    pass", "there is no script: name one in the marker"),
    "a path as code": ("@pytest.mark.figbox\ndef test_it():\n    return 'plots/bars.py'", "give Path('plots/bars.py')"),
    "two": ("@pytest.mark.figbox('plots/bars.py')\ndef test_it():\n    return 'x'", "keep one"),
    "no file": ("@pytest.mark.figbox('plots/bar.py')\ndef test_it():\n    pass", "there is no script plots/bar.py in "),
    "outside": ("@pytest.mark.figbox('../x.py')\ndef test_it():\n    pass", "is outside of the project"),
    "an option": (
        "@pytest.mark.figbox('plots/bars.py', sead=1)\ndef test_it():\n    pass",
        "figbox: sead: there is no such key; did you mean 'seed'?",
    ),
    "a tolerance": (
        "@pytest.mark.figbox('plots/bars.py', tolerance=-1)\ndef test_it():\n    pass",
        "figbox: tolerance: must be a number from 0 to 255",
    ),
    "unittest": (
        (
            "import unittest\nclass TestIt(unittest.TestCase):\n    @pytest.mark.figbox('plots/bars.py')\n"
            "    def test_it(self):\n        pass"
        ),
        "its figures weren't checked: only plain test functions",
    ),
    "twice": (
        "def test_it(figbox_check):\n    for n in 1, 2:\n        figbox_check('plt.plot(1)')",
        "give the second one a name of its own",
    ),
    "a name": (
        "def test_it(figbox_check):\n    figbox_check('plt.plot(1)', name='..')",
        "can't be the name of a figure",
    ),
    "a fence": (
        "def test_it(figbox_check):\n    from pathlib import Path\n    figbox_check(Path('README.md'), name='x')",
        None,
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_fail_in_a_sentence(tested: Tested, case: str) -> None:
    """Each mistake fails its test, also when accepting, and says what to do."""
    code, sentence = WRONG[case]
    (tested.folder / "outside.py").write_text("plt.plot(1)")
    (tested.folder.parent / "x.py").write_text("plt.plot(1)")
    tested.write(f"import pytest\n{code}\n")
    ran = tested.run("--figbox-accept")
    if sentence is None:
        assert ran.status == 0, ran.text
        assert tested.figures() == ["tests/test_plots.py/x"]
    else:
        assert (ran.status, ran.failed) == (1, 1), ran.text
        assert sentence in ran.text.replace("\n", " ")


def test_two_tests_with_one_name(tested: Tested) -> None:
    """Two tests can't have a figure of the same name: nothing is accepted, and the run fails."""
    tests = "".join(f"def test_{n}(figbox_check):\n    figbox_check('plt.plot({n})', name='x')\n" for n in (1, 2))
    tested.write(tests)
    ran = tested.run("--figbox-accept")
    assert ran.status == 1
    assert "have a figure of the same name, tests/test_plots.py#x: name one of them" in ran.text
    assert not tested.lock()


def test_without_service_or_key(tested: Tested) -> None:
    """Nothing is skipped: no service and no key fail each test, with what to do; and nothing is left over."""
    temporary = tested.folder.parent / "temporary"
    temporary.mkdir()
    gone = tested.run(FIGBOX_URL="http://127.0.0.1:9", TMPDIR=str(temporary))
    assert [path for path in temporary.iterdir() if path.name.startswith("figbox-")] == []
    assert (gone.status, gone.failed) == (1, 5)
    assert "127.0.0.1:9" in gone.text
    keyless = tested.run(FIGBOX_API_KEY="")
    assert (keyless.status, keyless.failed) == (1, 5)
    assert "the key is missing: set FIGBOX_API_KEY" in keyless.text
    assert not (tested.folder / ".figbox-check").exists()


def test_a_service_for_one_command_is_refused(tested: Tested) -> None:
    """FIGBOX_LOCAL would start a service for each test, and fails each with what to do instead."""
    ran = tested.run(FIGBOX_LOCAL="1", FIGBOX_HOME=str(ROOT), FIGBOX_URL="")
    assert (ran.status, ran.failed) == (1, 5)
    assert "FIGBOX_LOCAL would start a service for each test" in ran.text.replace("\n", " ")


def test_options_are_the_tests_own(tested: Tested) -> None:
    """A script with options in the marker has a figure of its own, beside that of `figbox check`."""
    tested.write(
        "import pytest\n@pytest.mark.parametrize('dpi', [50, 60])\n"
        "def test_it(figbox_check, dpi):\n    from pathlib import Path\n"
        "    figbox_check(Path('plots/bars.py'), dpi=dpi, seed=3)\n"
    )
    tested.run("--figbox-accept")
    assert tested.figures() == ["tests/test_plots.py/test_it_50_", "tests/test_plots.py/test_it_60_"]
    assert 'options = "dpi=60, seed=3"' in tested.lock()


def test_tolerance_of_a_marker(tested: Tested) -> None:
    """A tolerance in the marker is the one that counts."""
    code = "import pytest\n@pytest.mark.figbox('plots/bars.py', tolerance={})\ndef test_it():\n    pass\n"
    tested.write(code.format(0))
    tested.run("--figbox-accept")
    tested.project.renderer.nudges["bar"] = 4
    tested.project.write("plots/bars.py", tested.project.folder.joinpath("plots/bars.py").read_text() + "#\n")
    assert tested.run().failed == 1
    tested.write(code.format(5))
    assert tested.run().passed == 1


def test_costs_nothing_where_it_is_not_used(tested: Tested) -> None:
    """A run without such tests imports neither the client nor anything else of it."""
    tested.write("import sys\ndef test_it():\n    assert not {'figbox', 'click', 'rich', 'httpx'} & set(sys.modules)\n")
    ran = tested.run()
    assert (ran.status, ran.passed) == (0, 1), ran.text


def test_without_the_plugin(tested: Tested) -> None:
    """Without the plugin a strict suite fails, and so does one that asks for the fixture."""
    assert tested.run("--strict-markers", plugin=False).status != 0
    tested.write(
        TESTS.replace("import pytest\n", "import pytest\npytestmark = pytest.mark.usefixtures('figbox_check')\n")
    )
    ran = tested.run("-W", "ignore", plugin=False)
    assert (ran.passed, ran.failed) == (0, 5)


def test_entry_point(tested: Tested, wheel: Path) -> None:  # noqa: F811 - the fixture
    """An installed package's plugin is found by itself, by the name that `-p no:figbox` has."""
    target = tested.folder.parent / "installed"
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", target)
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    variables = {"PYTHONPATH": str(target), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
    assert tested.run("--figbox-accept", plugin=False, **variables).passed == 5
    ran = tested.run("--strict-markers", "-p", "no:figbox", plugin=False, **variables)
    assert "'figbox' not found in `markers`" in ran.text
    assert json.loads((tested.folder / ".figbox-check" / "last.json").read_text())["base"] == ""

"""docs/scaling.md: it has what the command prints, and its formulas give what the tables say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.scaling import balancer_costs, measured, nodes_measured, shared_costs
from benchmarks.scaling.__main__ import TABLES, main
from benchmarks.scaling.live.shared import PROGRAMS
from benchmarks.scaling.pictures import DATA
from benchmarks.scaling.scenario import host
from benchmarks.scaling.tables.capacity import CORES, memory_mib
from gateway.launcher.engine.engine import EngineFacts
from gateway.launcher.sizing import make_plan
from gateway.model.jobs import MiB
from gateway.settings import LauncherSettings, Settings
from tests.documents.pages import DOCS, ROOT, blocks
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

SCALING = DOCS / "scaling.md"

#: Tables that take longer than a few seconds.
LONG = ("capacity", "policies")

QUICK = [name for name in TABLES if name not in LONG]


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.variant) for name in LONG)])
def test_tables_of_the_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The page has each table as the command prints it; the model's chance has a fixed seed."""
    assert main([name]) == 0
    assert capsys.readouterr().out.strip() + "\n" in blocks(SCALING, "text")


def test_the_page_has_no_other_table() -> None:
    """Every block of output is one of the command's."""
    assert len(blocks(SCALING, "text")) == len(TABLES)


def test_pictures_of_the_page() -> None:
    """Each picture that the command draws is on the page, and no other."""
    folder = DOCS / "pictures" / "scaling"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(DATA)
    text = SCALING.read_text("utf-8")
    assert all(f"](pictures/scaling/{name}.png)" in text for name in DATA)


@pytest.mark.parametrize("cores", CORES)
def test_a_host_with_the_memory_of_the_formula_has_the_modelled_sizes(cores: int) -> None:
    """The gateway chooses as many places and warm containers as the model has; with less memory, fewer."""
    spec = host(cores)
    settings = LauncherSettings(_env_file=None)
    assert settings.pool_makers == spec.makers
    for share, fits in ((1.0, True), (0.6, False)):
        facts = EngineFacts(frozenset(), (), cores, round(share * memory_mib(cores)) * MiB, "1", "cgroupfs", "2")
        sizes = make_plan(settings, facts).sizes
        assert ((sizes.running, sizes.pool) == (spec.limits.running, spec.pool)) == fits


def test_queue_of_the_model_has_the_defaults() -> None:
    """The model's queue is that of the settings."""
    limits = host(4).limits
    fields = Settings.model_fields
    assert (limits.waiting, limits.wait_s) == (fields["queue_limit"].default, fields["queue_wait_s"].default)


def test_what_was_measured_is_kept_as_it_is_written() -> None:
    """The files are what the commands write."""
    assert measured.read().to_json() == measured.FILE.read_text("utf-8")
    assert nodes_measured.read().to_json() == nodes_measured.FILE.read_text("utf-8")
    assert balancer_costs.read().to_json() == balancer_costs.FILE.read_text("utf-8")
    assert shared_costs.read().to_json() == shared_costs.FILE.read_text("utf-8")


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt table ends with the usage."""
    with pytest.raises(SystemExit, match="2"):
        main(["polices"])
    assert "there is no table 'polices'" in capsys.readouterr().err


def test_balancer_is_measured(tmp_path: Path) -> None:
    """`balancer` starts HAProxy with many names for one node, and writes what requests and checks cost."""
    file = tmp_path / "balancer.json"
    done = _run("balancer", "--tiny", "--json", str(file))
    if shutil.which("haproxy") is None:
        assert done.returncode == 1
        assert done.stderr == "not measured: haproxy isn't installed\n"
        return
    assert done.returncode == 0, done.stderr
    costs = balancer_costs.BalancerCosts(**json.loads(file.read_text("utf-8")))
    assert len(costs.request_us) == 2
    assert min(costs.request_us.values()) > 0
    assert costs.check_us > 0


def test_shared_server_is_measured(tmp_path: Path) -> None:
    """`shared` starts a Redis and writes what it needs: more for a job that asks thrice than for one that asks once."""
    file = tmp_path / "shared.json"
    done = _run("shared", "--tiny", "--json", str(file))
    if not any(map(shutil.which, PROGRAMS)):
        assert done.returncode == 1
        assert done.stderr == "not measured: Redis isn't installed\n"
        return
    assert (done.returncode, done.stderr) == (0, "")
    costs = shared_costs.SharedCosts(**json.loads(file.read_text("utf-8")))
    assert 0 < costs.request_us[shared_costs.REQUESTS] < costs.request_us[shared_costs.COMPUTE]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=slowed(300),
    )

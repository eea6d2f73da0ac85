"""GitHub's workflows, as far as they can be checked elsewhere."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.stem: path for path in (ROOT / ".github/workflows").iterdir()}


def jobs(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(WORKFLOWS[name].read_text())["jobs"])


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in jobs(name).values() for step in job.get("steps", [])]


def bakes(name: str) -> dict[str, Any]:
    (step,) = (s for s in steps(name) if s.get("uses", "").startswith("docker/bake-action@"))
    return step


@pytest.mark.parametrize("path", WORKFLOWS.values(), ids=WORKFLOWS)
def test_the_schema(path: Path) -> None:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema")
    checked = subprocess.run(
        [*command, "vendor.github-workflows", path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_job_is_bounded_and_has_few_rights(name: str) -> None:
    workflow = yaml.safe_load(WORKFLOWS[name].read_text())
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for job, its in jobs(name).items():
        rights = {"contents": "read"}
        if (name, job) == ("release", "publish"):
            rights["packages"] = "write"
        assert its["permissions"] == rights, job
        assert "uses" in its or its["timeout-minutes"] > 0, job
    for step in steps(name):
        assert "run" in step or re.fullmatch(r"[\w/-]+@v\d+\.\d+\.\d+", step["uses"])


def test_each_known_version_is_tested_on_its_archive() -> None:
    known = sorted(path.stem for path in (ROOT / "apt").glob("[0-9]*.sources"))
    image = jobs("test")["image"]
    assert image["strategy"]["matrix"] == {"version": known}
    command = "MAAS_SOURCE=ppa MAAS_VERSION=${{ matrix.version }} make test-image"
    assert image["steps"][-1]["run"] == f".ci/debian env {command}"


def test_a_tag_is_published_after_its_tests_alone() -> None:
    release = yaml.safe_load(WORKFLOWS["release"].read_text())
    on = release[True]  # YAML 1.1 takes `on` for a truth value
    assert on == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    assert release["jobs"]["publish"]["needs"] == "test"
    assert release["jobs"]["test"]["uses"] == "./.github/workflows/test.yml"
    assert "push" not in bakes("build")["with"]
    assert bakes("release")["with"]["push"] is True


@pytest.mark.parametrize("name", ["build", "release"])
def test_bake_is_given_variables_and_files_that_exist(name: str) -> None:
    step = bakes(name)
    file = ROOT / step["with"]["files"]
    assert set(step["env"]) <= set(re.findall(r'^variable "(\w+)"', file.read_text(), re.M))


def test_the_published_repository_is_this_one() -> None:
    assert bakes("release")["env"]["REPOSITORY"] == "ghcr.io/${{ github.repository }}"

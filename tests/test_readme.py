"""What the READMEs say is so: their commands, their examples, their links, their words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from layers.fields import LAYERS, layer_definition
from layers.utilities import load_utilities
from planning.policies import load_policy
from tests.conftest import REPOSITORY

READMES = [REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COUNTY = "411523_xinxian"


def blocks(file: Path, kind: str) -> list[str]:
    """Return the fenced blocks of a kind, without their fences."""
    return [text.strip() for name, text in BLOCK.findall(file.read_text("utf-8")) if name == kind]


def commands(file: Path) -> list[str]:
    return blocks(file, "")


def outputs(file: Path) -> list[str]:
    return blocks(file, "text")


def test_the_first_command_sets_up_and_opens_the_app() -> None:
    first, _second = commands(READMES[0])
    make, install, opens = first.split(" && ")
    assert make == "python3 -m venv .venv"
    assert install == ".venv/bin/pip install -r requirements.txt"
    assert opens == ".venv/bin/streamlit run app.py"
    assert (REPOSITORY / "app.py").is_file()


def test_the_second_command_sets_up_and_passes_the_tests() -> None:
    _first, second = commands(READMES[0])
    make, install, tests = second.split(" && ")
    assert make == "python3 -m venv .venv"
    assert install == ".venv/bin/pip install -r requirements-dev.txt"
    assert tests == ".venv/bin/python -m pytest"
    assert "-r requirements.txt" in (REPOSITORY / "requirements-dev.txt").read_text("utf-8")


def test_both_readmes_carry_the_same_commands_and_outputs() -> None:
    english, chinese = READMES
    assert commands(english) == commands(chinese)
    assert blocks(english, "console") == blocks(chinese, "console")
    assert outputs(english) == outputs(chinese)


def test_ci_runs_the_second_command_word_for_word() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text("utf-8")
    [taken] = re.findall(r"^test_command=\$\((grep .*?)\)", script, re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", taken], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == commands(READMES[0])[1]
    assert 'bash -c "$test_command"' in script
    code = [line for line in script.splitlines() if not line.startswith(("#", "test_command="))]
    assert "pytest" not in "\n".join(code)


def test_ci_is_a_script_that_stops_at_the_first_fault() -> None:
    file = REPOSITORY / ".ci" / "run"
    assert file.stat().st_mode & 0o111
    text = file.read_text("utf-8")
    assert "set -euo pipefail" in text
    assert "TONGGOU_REQUIRE_ALL=1" in text
    assert subprocess.run(["bash", "-n", str(file)], check=False).returncode == 0


def test_the_plan_shown_is_the_plan_made(sample_workspace: Path, tmp_path: Path) -> None:
    arguments = ["plan", str(sample_workspace), "--application", "BZ-2026-001"]
    made = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "plan.json")])
    assert made.exit_code == 0, made.output
    assert made.stdout.strip() == outputs(READMES[0])[0]


def test_the_verdicts_shown_are_the_verdicts_given() -> None:
    [_plan, judge] = blocks(READMES[0], "console")
    payload = re.search(r"echo '(.*?)'", judge, re.DOTALL)
    assert payload
    arguments = ["judge", "--county", COUNTY, "--measures", "-"]
    given = CliRunner().invoke(main, arguments, input=payload.group(1))
    assert given.stdout.strip() == outputs(READMES[0])[1]


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_every_command_of_the_program_is_listed_and_no_other(file: Path) -> None:
    table = re.search(r"\| `demo`.*?\n\n", file.read_text("utf-8"), re.DOTALL)
    assert table
    first_cells = [row.split("|")[1] for row in table.group(0).strip().splitlines()]
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == set(main.commands)


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_every_outcome_is_explained(file: Path) -> None:
    text = file.read_text("utf-8")
    for outcome, zh in load_policy(COUNTY).outcomes.items():
        assert f"| `{outcome}` | {zh} |" in text


DOCUMENTS = [*READMES, REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").rglob("*.md")]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", file.read_text("utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_files_and_modules_named_in_documents_exist(file: Path) -> None:
    named = re.findall(
        r"`((?:gis|layers|planning|reports|ui|api|rules|docs|tests|sample_data)/[\w./]+\.\w+)`",
        file.read_text("utf-8"),
    )
    assert [one for one in named if not (REPOSITORY / one).exists()] == []
    dotted = re.findall(r"`((?:gis|layers|planning|ui|api)\.\w+)", file.read_text("utf-8"))
    modules = [REPOSITORY / f"{one.replace('.', '/')}.py" for one in dotted]
    assert [one for one in modules if not one.is_file()] == []


def test_the_glossary_has_every_field_measure_utility_and_outcome() -> None:
    text = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8")
    policy = load_policy(COUNTY)
    rows = [f"| {name} | {one.zh} | {one.unit or ''} |" for name, one in policy.inputs.items()]
    rows += [f"| {outcome} | {zh} |" for outcome, zh in policy.outcomes.items()]
    rows += [
        f"| {u.key} | {u.zh} | {u.cjj61_code} | {u.policy_utility} |"
        for u in load_utilities().values()
    ]
    assert [row for row in rows if row not in text] == []
    sections = dict(re.findall(r"^### (.*?)\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL))
    layers = [layer_definition(layer) for layer in LAYERS]
    assert list(sections) == [f"{layer.name} {layer.zh}" for layer in layers]
    for layer, section in zip(layers, sections.values(), strict=True):
        fields = [
            f"| {field.name}{'*' if field.required else ''} | {field.zh} | {field.type} "
            f"| {field.unit or ''} |"
            for field in layer.fields
            if field.type != "geometry"
        ]
        assert [row for row in section.splitlines() if row.startswith("| ")][1:] == fields


REQUIREMENT = re.compile(r"^([A-Za-z][\w-]*)(?:\[\w+\])?([<>=~!].*?)\s+# (\w.*)$")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_has_a_range_and_a_reason(name: str) -> None:
    lines = (REPOSITORY / name).read_text("utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert wanted
    assert [line for line in wanted if not REQUIREMENT.match(line)] == []
    for line in wanted:
        found = REQUIREMENT.match(line)
        assert found
        limits = found.group(2)
        assert "==" in limits or (">=" in limits and "<" in limits), line

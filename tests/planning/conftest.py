"""The sample county, prepared once for all tests that need a whole town."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.store import Workspace
from planning.application import Application, parse_application
from planning.groundwork import Groundwork, prepare
from planning.policies import load_policy
from tests import towns


@pytest.fixture(scope="session")
def sample_cases(sample_workspace: Path) -> list[Application]:
    """The open applications of the sample county."""
    return [parse_application(one) for one in Workspace.open(sample_workspace).applications()]


@pytest.fixture(scope="session")
def sample_work(sample_workspace: Path, sample_cases: list[Application]) -> Groundwork:
    """Groundwork of the sample county, with the gates of its applications."""
    survey = Workspace.open(sample_workspace).survey()
    return prepare(survey, load_policy(towns.COUNTY), sample_cases)

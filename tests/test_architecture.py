"""The map of the code, kept: who may import whom, who may touch files, how long a module may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planning.policies import load_policy
from planning.quantities import load_prices
from planning.rule_files import read_schema
from planning.standards import load_standards
from tests.conftest import REPOSITORY

# Left to right; a module imports from its own stage and from the stages left of it.
STAGES = {
    "language": -1,
    "gis": 0, "layers": 1, "planning": 2, "cases": 3, "reports": 4, "ui": 5, "api": 5,
    "settings": 6, "cli_parts": 6, "cli_checks": 7, "cli_versions": 7, "app": 8, "cli": 8,
}  # fmt: skip
# Beside the line: they may use everything, and no stage may use them.
BESIDE = {"sample_data", "benchmarks", "tests"}
PACKAGES = ("gis", "layers", "planning", "cases", "reports", "ui", "api")
DOORS = (
    "app.py",
    "cli.py",
    "cli_parts.py",
    "cli_checks.py",
    "cli_versions.py",
    "language.py",
    "settings.py",
)

LONGEST_MODULE = 600
SCREEN_LIBRARIES = {"streamlit", "folium", "streamlit_folium", "branca"}
FILE_MODULES = {
    "os", "io", "pathlib", "shutil", "tempfile", "glob", "sqlite3", "sqlalchemy", "pyogrio",
    "pyarrow", "tomllib", "csv", "zipfile", "socket", "urllib", "subprocess",
}  # fmt: skip
FILE_CALLS = {
    "open", "read_file", "to_file", "read_csv", "to_csv", "read_parquet", "to_parquet",
    "read_text", "write_text", "read_bytes", "write_bytes", "unlink", "mkdir", "rmtree",
}  # fmt: skip
NETWORK_MODULES = {"requests", "urllib.request", "http", "ftplib", "smtplib", "urllib3", "httpx"}


def code_files() -> list[Path]:
    """Return every Python file that is not a test."""
    found = [REPOSITORY / door for door in DOORS]
    for package in (*PACKAGES, "sample_data", "benchmarks"):
        found += sorted((REPOSITORY / package).rglob("*.py"))
    return found


def product_files() -> list[Path]:
    """Return every Python file of the stages and doors."""
    return [file for file in code_files() if stage_of(file) in STAGES]


def stage_of(file: Path) -> str:
    return file.relative_to(REPOSITORY).parts[0].removesuffix(".py")


def name_of(file: Path) -> str:
    return file.relative_to(REPOSITORY).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def imports_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield (module, line) of every import, those inside functions and type checks included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.module or "", node.lineno


def texts_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield (text, line) of every string that is not a docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in docs:
            yield node.value, node.lineno


def leftward(own: str, other: str) -> bool:
    """Return whether a file of the stage ``own`` may import the top-level name ``other``."""
    if other in BESIDE:
        return own in BESIDE
    return other not in STAGES or own in BESIDE or STAGES[other] <= STAGES[own]


def test_imports_point_left() -> None:
    wrong = [
        f"{name_of(file)}:{line} imports {module}"
        for file in code_files()
        for module, line in imports_of(tree_of(file))
        if not leftward(stage_of(file), module.split(".")[0])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("own", "other", "allowed"),
    [
        ("gis", "layers", False), ("planning", "layers", True), ("layers", "planning", False),
        ("planning", "tests", False), ("reports", "ui", False), ("ui", "api", True),
        ("planning", "settings", False), ("cli", "settings", True), ("gis", "numpy", True),
        ("sample_data", "planning", True), ("ui", "sample_data", False),
    ],
)  # fmt: skip
def test_the_rule_of_imports_itself(own: str, other: str, allowed: bool) -> None:
    assert leftward(own, other) is allowed


def test_import_inside_a_function_is_seen() -> None:
    tree = ast.parse("def f():\n    if True:\n        from ui.maps import a\n    import os.path")
    assert dict(imports_of(tree)) == {"ui.maps": 3, "os.path": 4}


def test_every_top_level_package_has_a_stage() -> None:
    packages = {file.parent.name for file in REPOSITORY.glob("*/__init__.py")}
    assert packages - BESIDE <= set(STAGES)


def file_access_of(tree: ast.AST) -> Iterator[str]:
    """Yield every import and call that reaches the disk or the network."""
    for module, line in imports_of(tree):
        if module.split(".")[0] in FILE_MODULES:
            yield f"line {line} imports {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in FILE_CALLS:
                yield f"line {node.lineno} calls {name}"


@pytest.mark.parametrize("text", ["open('a')", "from pathlib import Path", "t.to_file('a')"])
def test_file_access_is_seen(text: str) -> None:
    assert list(file_access_of(ast.parse(text)))


def test_gis_touches_no_file() -> None:
    found = {
        name_of(file): list(file_access_of(tree_of(file)))
        for file in sorted((REPOSITORY / "gis").rglob("*.py"))
    }
    assert {name: access for name, access in found.items() if access} == {}


def test_planning_opens_files_in_three_modules_and_writes_none() -> None:
    found = {
        file.name: list(file_access_of(tree_of(file)))
        for file in sorted((REPOSITORY / "planning").rglob("*.py"))
    }
    readers = {name for name, access in found.items() if access}
    assert readers == {"rule_files.py", "policies.py", "quantities.py"}
    for name in readers:
        text = (REPOSITORY / "planning" / name).read_text("utf-8")
        assert not re.search(r"write_|to_file|to_csv|mkdir|unlink|['\"][wax]b?['\"]", text)


def test_planning_opens_only_rules_and_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    really_open = Path.open

    def note(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(path.resolve())
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", note)
    load_policy.__wrapped__("411523_xinxian")
    load_prices.__wrapped__()
    load_standards.__wrapped__()
    assert {path.suffix for path in opened} == {".toml", ".csv"}
    assert all(path.is_relative_to(REPOSITORY / "rules") for path in opened)
    opened.clear()
    read_schema("application")
    assert opened == [REPOSITORY / "docs" / "schemas" / "application.json"]


def test_rules_are_read_by_layers_and_planning_only() -> None:
    readers = {
        stage_of(file)
        for file in product_files()
        for text, _line in texts_of(tree_of(file))
        if text == "rules" or text.startswith("rules/")
    }
    assert readers == {"layers", "planning", "settings"}  # settings names the folder to the doors


def test_environment_is_read_in_settings_only() -> None:
    reads = {
        name_of(file)
        for file in product_files()
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
    }
    # The one exception writes: the reader's dangerous drivers are shut before it is loaded.
    assert reads == {"settings.py", "layers/gdal_safety.py"}


def test_gdal_safety_writes_the_environment_and_reads_nothing_from_it() -> None:
    text = (REPOSITORY / "layers" / "gdal_safety.py").read_text("utf-8")
    assert "getenv" not in text
    assert not re.search(r"environ\.(get|items|copy)|=\s*os\.environ\[", text)


def test_settings_are_read_by_the_doors_only() -> None:
    users = {
        name_of(file)
        for file in product_files()
        for module, _line in imports_of(tree_of(file))
        if module.split(".")[0] == "settings"
    }
    assert users <= {"app.py", "cli.py", "cli_checks.py", "cli_parts.py", "cli_versions.py"}


def test_screen_libraries_stay_in_ui_and_app() -> None:
    wrong = [
        f"{name_of(file)}:{line} imports {module}"
        for file in code_files()
        for module, line in imports_of(tree_of(file))
        if module.split(".")[0] in SCREEN_LIBRARIES and stage_of(file) not in {"ui", "app"}
    ]
    assert wrong == []


def test_no_module_is_longer_than_600_lines() -> None:
    files = [*code_files(), *(REPOSITORY / "tests").rglob("*.py")]
    long = {name_of(file): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_MODULE} == {}


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield functions and methods that others may call; methods of private classes are not."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            members: list[ast.stmt] = [node]
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            members = node.body
        else:
            continue
        for member in members:
            function = isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)
            if function and not member.name.startswith("_"):
                yield member


def missing_hints(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    open_ended = [a for a in (function.args.vararg, function.args.kwarg) if a is not None]
    bare = [a for a in named if a.annotation is None and a.arg not in {"self", "cls"}]
    return function.returns is None or bool(bare) or any(a.annotation is None for a in open_ended)


def test_every_public_function_has_type_hints() -> None:
    wrong = [
        f"{name_of(file)}:{function.lineno} {function.name}"
        for file in code_files()
        for function in public_functions(tree_of(file))
        if missing_hints(function)
    ]
    assert wrong == []


# A method this short is told by its name and by its class's docstring.
SHORT_METHOD = 4


def test_every_public_function_has_a_docstring() -> None:
    wrong = [
        f"{name_of(file)}:{function.lineno} {function.name}"
        for file in code_files()
        for function in public_functions(tree_of(file))
        if not ast.get_docstring(function)
        and (function in tree_of(file).body or len(function.body) > SHORT_METHOD)
    ]
    assert wrong == []


def test_every_module_says_what_it_holds() -> None:
    assert [name_of(f) for f in code_files() if not ast.get_docstring(tree_of(f))] == []


# The start of a path that exists on one machine only: a home, a temporary folder, a drive.
MACHINE_PATH = re.compile(r"(?<![\w.:/<])(/(home|root|tmp|work|usr|opt|var|etc|Users)/|[A-Z]:\\)")
# Names of things, not places: nobody fetches them.
NAMESPACES = ("http://www.w3.org/", "https://json-schema.org/", "http://www.opengis.net/")
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s\"'`)<>]*", re.IGNORECASE)


def test_no_path_of_one_machine_in_the_code() -> None:
    wrong = [
        f"{name_of(file)}:{number}"
        for file in [*code_files(), *(REPOSITORY / "rules").rglob("*.toml")]
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert wrong == []


def outside_addresses(text: str) -> list[str]:
    return [a for a in ADDRESS.findall(text) if not a.startswith(NAMESPACES)]


def test_no_outside_address_in_what_runs() -> None:
    shown = [f for f in (REPOSITORY / "static").rglob("*") if f.suffix in {".js", ".css", ".html"}]
    found = {
        name_of(file): outside_addresses(text)
        for file in product_files()
        for text, _line in texts_of(tree_of(file))
        if outside_addresses(text)
    }
    found |= {name_of(f): outside_addresses(f.read_text("utf-8")) for f in shown}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


@pytest.mark.parametrize(
    "text", ["https://tile.example.org/{z}", "src='//cdn.example.com/a.js'", "http://a.b.cn"]
)
def test_outside_address_is_seen(text: str) -> None:
    assert outside_addresses(text)


def test_no_module_can_call_out() -> None:
    wrong = [
        f"{name_of(file)}:{line} imports {module}"
        for file in product_files()
        for module, line in imports_of(tree_of(file))
        if any(module == m or module.startswith(f"{m}.") for m in NETWORK_MODULES)
    ]
    assert wrong == []

"""docs/layers.md, made from the field tables. ``python -m layers.field_docs`` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from layers.fields import LAYERS, Field, LayerDefinition, layer_definition

_HEAD = """# Layers

Made from `layers/fields/*.csv` and `layers/values.csv` by `python -m layers.field_docs`: edit
those.
A column of a file is taken for a field if it has its name, its Chinese name or an alias, with or
without a unit in brackets. Initials (拼音) and values are only proposed.
"""
_COLUMNS = (
    "field", "中文", "type", "unit", "required", "allowed", "aliases", "拼音", "description",
    "source",
)  # fmt: skip


def layers_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(_section(layer_definition(layer)) for layer in LAYERS)])


def _section(definition: LayerDefinition) -> str:
    lines = [
        f"## {definition.name} {definition.zh}",
        "",
        f"Geometry: {', '.join(definition.geometry_types)}. Id: `{definition.id_field}`.",
        "",
        _row(_COLUMNS),
        _row(["---"] * len(_COLUMNS)),
        *(_row(_cells(field)) for field in definition.fields),
        "",
    ]
    return "\n".join(lines)


def _cells(field: Field) -> Iterator[str]:
    yield f"`{field.name}`"
    yield field.zh
    yield field.type
    yield field.unit
    yield "yes" if field.required else ""
    yield ", ".join(_allowed(field))
    yield "、".join(field.aliases)
    yield " ".join(field.pinyin)
    yield field.description
    yield field.source


def _allowed(field: Field) -> Iterator[str]:
    for value in field.allowed:
        words = [w for w, v in field.values.items() if v == value and w != value]
        yield f"{value} ({'、'.join(words)})" if words else value
    if field.plausible:
        yield "usually {:g} to {:g}".format(*field.plausible)


def _row(cells: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    print(layers_page(), end="")

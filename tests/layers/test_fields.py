"""The tables that say what each layer's columns are."""

from __future__ import annotations

from collections import Counter

import pytest

from layers.errors import LayerError
from layers.fields import LAYERS, layer_definition, values_by_utility
from layers.utilities import load_utilities
from planning.comparisons import NEVER

TYPES = {"text", "number", "integer", "date", "boolean", "enum"}
DEFINITIONS = [layer_definition(layer) for layer in LAYERS]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=LAYERS)
def test_every_field_is_declared_in_full(definition) -> None:
    for field in definition.fields:
        assert field.type in TYPES
        assert field.zh
        assert field.description
        assert field.source
        assert (field.type == "enum") <= bool(field.allowed)
    assert definition.fields[0].required
    assert definition.fields[0].type == "text"


@pytest.mark.parametrize("definition", DEFINITIONS, ids=LAYERS)
def test_no_column_name_means_two_fields_of_a_layer(definition) -> None:
    spellings = Counter(name for field in definition.fields for name in field.spellings)
    assert [name for name, count in spellings.items() if count > 1] == []


@pytest.mark.parametrize("definition", DEFINITIONS, ids=LAYERS)
def test_every_enum_value_has_a_chinese_spelling(definition) -> None:
    for field in definition.fields:
        chinese = {value for spelling, value in field.values.items() if not spelling.isascii()}
        assert chinese == (set(field.allowed) if field.type in ("enum", "date") else set())


def test_of_all_days_only_an_overhaul_may_never_have_been() -> None:
    words = {
        (definition.name, field.name): field.allowed
        for definition in DEFINITIONS
        for field in definition.fields
        if field.type == "date" and field.allowed
    }
    assert words == {("roads", "overhauled_on"): (NEVER,)}


def test_subtypes_belong_to_their_utilities() -> None:
    subtypes = values_by_utility("lines", "subtype")
    assert subtypes["water"] == {"transmission", "distribution"}
    assert subtypes["telecom"] == {"duct", "cable"}
    assert set().union(*subtypes.values()) == set(
        layer_definition("lines").field("subtype").allowed
    )


def test_unit_in_brackets_is_part_of_a_column_name() -> None:
    assert "管径(mm)" in layer_definition("lines").field("diameter_mm").spellings


def test_unknown_layer_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(LayerError, match=r"没有名为“pipes”的图层。可用的图层:parcels、roads"):
        layer_definition("pipes")


def test_every_utility_of_the_rules_is_a_value_of_the_layers() -> None:
    for layer in ("lines", "nodes", "service_areas", "planned_works"):
        assert set(layer_definition(layer).field("utility").allowed) == set(load_utilities())


def test_no_mean_error_of_a_position_is_zero() -> None:
    """0 is what an empty number becomes in a DBF."""
    stated = [
        (layer, field)
        for layer in LAYERS
        for field in layer_definition(layer).fields
        if field.name == "position_accuracy_m"
    ]
    assert len(stated) >= 9
    assert {field.allowed for _layer, field in stated} == {(">0",)}
    assert {field.plausible for _layer, field in stated} == {(0.005, 50.0)}

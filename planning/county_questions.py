"""Questions across all cases 待核问题: each road, layer or main asked once, by what it settles."""

from __future__ import annotations

import pandas as pd

from layers.answers import Answer
from layers.survey import Survey
from planning.questions import APPLICATION, from_text
from planning.verdict_logic import OPEN_OUTCOME

COLUMNS = (
    "subject",
    "field",
    "utilities",
    "pairs",
    "cases",
    "settles",
    "settles_cases",
    "case_ids",
)


def questions_of_cases(screened: pd.DataFrame) -> pd.DataFrame:
    """Everything that the rows of a screening leave open, one row for each question.

    Parameters
    ----------
    screened
        A table of ``planning.batch.screen``, with or without geometry.

    Returns
    -------
    Index ``subject_kind`` and ``subject_id`` are columns of their own; further columns:

    ``subject``
        Kind and id in one word, as ``road:R-1``.
    ``field``
        What is not known of it.
    ``utilities``, ``case_ids``
        Tuples: whose lines wait for it, and of which cases (application_id, else parcel_id).
    ``pairs``, ``cases``
        How many (case, utility) pairs it keeps open, and of how many cases.
    ``settles``, ``settles_cases``
        Pairs with an open verdict of which it is the only open question: whatever the answer,
        it is open no more. Cases whose open pairs are all among those.

    Sorted by what they settle, then by what they keep open. O(rows x their questions).
    """
    rows = _rows(screened)
    keys = ["subject_kind", "subject_id", "field"]
    open_pairs = rows.groupby("case")["pair"].nunique()
    alone = rows[rows["alone"]].groupby([*keys, "case"]).size().rename("settled").reset_index()
    alone = alone[alone["settled"] == alone["case"].map(open_pairs)]
    groups = rows.groupby(keys, sort=False)
    found = groups.agg(
        utilities=("utility", lambda names: tuple(dict.fromkeys(names))),
        pairs=("pair", "size"),
        cases=("case", "nunique"),
        settles=("alone", "sum"),
        case_ids=("case", lambda names: tuple(dict.fromkeys(names))),
    )
    found["settles_cases"] = alone.groupby(keys).size().reindex(found.index, fill_value=0)
    found = found.reset_index().astype({"settles": int, "settles_cases": int})
    found["subject"] = found["subject_kind"] + ":" + found["subject_id"]
    order = ["settles", "pairs", "subject", "field"]
    found = found.sort_values(order, ascending=[False, False, True, True], ignore_index=True)
    return found[["subject_kind", "subject_id", *COLUMNS]]


def with_versions(questions: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Questions with the ``version`` of the layer that each was asked about, as text.

    0 for a layer that was never imported; empty for what an application owes.
    """
    asked = zip(questions["subject_kind"], questions["subject"], questions["field"], strict=True)
    layers = [
        None if kind == APPLICATION else Answer(subject, field, "").layer
        for kind, subject, field in asked
    ]
    current = {layer: one.version for layer, one in survey.versions.items()}
    told = ["" if layer is None else str(current.get(layer, 0)) for layer in layers]
    return questions.assign(version=told)


def _rows(screened: pd.DataFrame) -> pd.DataFrame:
    """One row for each open pair and subject; each distinct cell is read once."""
    table = screened[screened["open_questions"].notna()]
    texts = pd.Series(table["open_questions"].unique(), dtype=object)
    asked = [from_text(text) for text in texts]
    subjects = pd.DataFrame(
        [
            (text, *subject, len(found) == 1)
            for text, found in zip(texts, asked, strict=True)
            for subject in found
        ],
        columns=["open_questions", "subject_kind", "subject_id", "field", "alone"],
    )
    about = pd.DataFrame(
        {
            "pair": range(len(table)),
            "case": table["application_id"].fillna(table["parcel_id"]).to_numpy(object),
            "utility": table["utility"].to_numpy(object),
            "open": (table["outcome"] == OPEN_OUTCOME).to_numpy(bool),
            "open_questions": table["open_questions"].to_numpy(object),
        }
    )
    rows = about.merge(subjects.astype({"alone": bool}), on="open_questions", how="inner")
    own = rows["subject_kind"] == APPLICATION
    return rows.assign(
        alone=rows["alone"] & rows["open"],
        subject_id=rows["subject_id"].mask(own, rows["case"]),
    )

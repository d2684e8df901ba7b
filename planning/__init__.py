"""Decisions: tie-ins, routes, measures, verdicts and shared trenches."""

"""Screens: maps, tables and words; they show what planning decided."""

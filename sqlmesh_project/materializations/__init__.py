"""Kinds of models of this project's own: how what a query gives is written."""

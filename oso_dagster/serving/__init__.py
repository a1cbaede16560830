"""The public door: SQL over HTTP as `pyoso` speaks it, keys and limits, and what is known of the data with each answer.

Belongs here: how people and programs ask, and what they may ask. Does not: where the data and the verdicts come from; the
orchestration hands in what is published (`published`), what is known of it (`provenance`) and a way to copy the warehouse.
"""

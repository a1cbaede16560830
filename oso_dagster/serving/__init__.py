"""The public door: SQL over HTTP as `pyoso` speaks it, pages of the data, keys and limits, and what is known with each answer.

Belongs here: how people and programs ask, and what they may ask. Does not: where the data and the verdicts come from; the
orchestration hands in what is published (`published`), what is known of it (`provenance`) and a way to copy the warehouse.
"""

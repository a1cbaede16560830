"""Incidents and their announcements: when, where and in which words; and the remedial sprints that missed objectives open."""

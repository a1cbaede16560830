"""Asking over HTTP: politely, within bounds, never taking half an answer for a whole one."""

"""Joins the public door to the platform: what is published, what is known of it, copies of the warehouse, counted questions."""

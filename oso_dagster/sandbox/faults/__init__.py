"""Faults on demand, between an endpoint and its client: error statuses, broken or spoiled answers, pages in a circle.

Does not belong here: what an undisturbed answer is (`upstreams`), faults of Discord (`discord`).
"""

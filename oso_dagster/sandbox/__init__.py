"""The sandbox world: the upstreams that the sources talk to, invented from a seed and served on loopback.

Belongs here: the generator (`world` and one file per family of data), its HTTP server, its lifecycle, later its faults.
Does not: how sources read it (`connectors`) or what they are (`sources`). Nothing here is data of a real project.
"""

"""The sandbox world: the upstreams that the sources talk to, generated from a seed and served on loopback.

`world` generates it, one file an upstream in `upstreams` serves a part of it over the protocols of `protocols`, `faults` break
answers on demand, `discord` stands in for Discord, `lifecycle` starts and stops all of it. Does not belong here: how sources
read it (`connectors`) or what they are (`sources`). Nothing here is data of a real project.
"""

"""The small SQLMesh project, for the tests of this room."""

from tests.sqlmesh_assets.playground import playground

__all__ = ["playground"]

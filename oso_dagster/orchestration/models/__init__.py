"""This platform's SQLMesh project as assets."""

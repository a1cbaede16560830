"""This platform's SQLMesh project as assets, jobs and a schedule, and the freshness that its models promise."""

"""What a project holds, as plain values in a file: enough to define its assets without loading SQLMesh."""

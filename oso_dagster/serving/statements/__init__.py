"""What a statement asks for: one SELECT over published names, in the engine's dialect; or a question about the names."""

"""HTTP requests: paced, bounded, retried, and never half an answer taken for a whole one. Knows no upstream."""

"""What goes wrong between an endpoint and whoever asks it, on demand."""

"""What is probed, as data, and how single checks become the slices that objectives count."""

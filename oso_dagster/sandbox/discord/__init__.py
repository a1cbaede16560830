"""The Discord of the world: the webhook API, its limits and faults, and a page that shows what a reader would see."""

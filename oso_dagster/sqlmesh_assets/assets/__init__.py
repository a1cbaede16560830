"""The models as asset and check specifications, and the multi-asset that computes them."""

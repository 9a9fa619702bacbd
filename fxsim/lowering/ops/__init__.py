"""Lowering rules: one file per operator, same stem as in ``fxsim/ops``; importing a file registers its rule."""

"""Our own networks: their folder, their cards, the evaluation images of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODELS = Path(__file__).resolve().parents[1] / "models" / "digits"
CARD: dict[str, dict[str, Any]] = json.loads((MODELS / "card.json").read_text(encoding="utf-8"))
_IMAGES = {"digits_cnn": "x_eval.npy", "digits_fc": "x_eval_flat.npy", "digits_resnet": "x_eval_16.npy"}


def images(name: str, count: int | None = None) -> NDArray[Any]:
    """The first `count` evaluation images, all by default, as the network takes them."""
    array: NDArray[Any] = np.load(MODELS / _IMAGES[name])
    return array[:count]

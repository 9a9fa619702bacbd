"""Train, quantize and write the digit networks: ``python models/digits/train.py [NAME ...]`` (extra: train).

Data: UCI "Optical Recognition of Handwritten Digits" as shipped with scikit-learn (1,797 images, 8 x 8, codes 0..16).
The first 1,297 images train and calibrate, the last 500 evaluate (the data set's own order: other writers at the end).
Everything is seeded and single-threaded; the files' hashes stand in README.md beside this script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from layers import Layer, fold, forward, plain_networks, residual_network
from quantize import nhwc, quantize
from sklearn.datasets import load_digits
from torch import nn

from fxsim.formats.tflite import write_tflite
from fxsim.oracle import golden

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
TRAIN = 1297
SEED = 20
GRID = 2.0**-20


@dataclass(frozen=True)
class Recipe:
    """What differs between the networks: layers, images (float32, N x ...), epochs.

    `exact`: train in float64 and round the parameters to multiples of `GRID` after every step, so that the last bits,
    which depend on the processor's vector width, never add up.
    """

    layers: Callable[[], list[Layer]]
    images: Callable[[np.ndarray], np.ndarray]
    epochs: int
    exact: bool = False


def doubled(images: np.ndarray) -> np.ndarray:
    """Bilinear upsampling by 2 (pixel centres, edges repeated) to (N, 1, 16, 16): exact in float32."""
    for axis in (1, 2):
        size = images.shape[axis]
        before = images.take([0, *range(size - 1)], axis)
        behind = images.take([*range(1, size), size - 1], axis)
        pairs = np.stack([0.25 * before + 0.75 * images, 0.75 * images + 0.25 * behind], axis + 1)
        images = pairs.reshape(*images.shape[:axis], 2 * size, *images.shape[axis + 1 :])
    return images[:, None]


RECIPES = {
    "digits_fc": Recipe(lambda: plain_networks()["digits_fc"], lambda images: images.reshape(-1, 64), 60),
    "digits_cnn": Recipe(lambda: plain_networks()["digits_cnn"], lambda images: images[:, None], 60),
    "digits_resnet": Recipe(residual_network, doubled, 40, exact=True),
}


def train(layers: list[Layer], x: torch.Tensor, y: torch.Tensor, recipe: Recipe) -> None:
    """Adam on cross entropy; images are shifted, rotated and scaled a little."""
    parameters = [p for layer in layers for p in layer.module.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs)
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(x)).split(32):
            images = x[batch]
            if images.dim() == 4:
                images = jitter(images)
            loss = nn.functional.cross_entropy(forward(layers, images), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if recipe.exact:
                to_grid(parameters)
        schedule.step()


@torch.no_grad()
def to_grid(parameters: list[nn.Parameter]) -> None:
    """Round to multiples of `GRID`."""
    for parameter in parameters:
        parameter.copy_((parameter / GRID).round() * GRID)


def jitter(images: torch.Tensor) -> torch.Tensor:
    """Random small affine maps, bilinear, zeros outside."""
    n = len(images)
    angle, zoom = 0.2 * (2 * torch.rand(n) - 1), 1 + 0.15 * (2 * torch.rand(n) - 1)
    shift = 0.15 * (2 * torch.rand(n, 2) - 1)
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    maps = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = nn.functional.affine_grid(maps, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, align_corners=False)


def make(name: str, images: np.ndarray, labels: np.ndarray) -> dict[str, object]:
    """Train, quantize and write one network; its card."""
    recipe = RECIPES[name]
    torch.set_default_dtype(torch.float64 if recipe.exact else torch.float32)
    torch.manual_seed(SEED)
    layers = recipe.layers()
    x = torch.from_numpy(recipe.images(images)).to(torch.get_default_dtype())
    train(layers, x[:TRAIN], torch.from_numpy(labels[:TRAIN]), recipe)
    layers = fold(layers)
    with torch.no_grad():
        float_accuracy = float((forward(layers, x[TRAIN:]).argmax(1).numpy() == labels[TRAIN:]).mean())
        network = quantize(name, layers, x[:TRAIN])
    data = write_tflite(network)
    (HERE / f"{name}.tflite").write_bytes(data)
    tensors = golden(network, nhwc(x[TRAIN:]).astype(np.float32))
    if recipe.exact:
        np.save(HERE / "x_eval_16.npy", tensors["image"])
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "float_accuracy": float_accuracy,
        "int8_accuracy": float((tensors["probabilities"].argmax(1) == labels[TRAIN:]).mean()),
    }


def main() -> None:
    """Make the networks named on the command line, all by default; cards of the others stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"networks to make: {', '.join(RECIPES)}")
    names = parser.parse_args().names or list(RECIPES)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    np.save(HERE / "x_eval.npy", images[TRAIN:, :, :, None])
    np.save(HERE / "x_eval_flat.npy", images[TRAIN:].reshape(-1, 64))
    np.save(HERE / "y_eval.npy", labels[TRAIN:].astype(np.int8))
    card = HERE / "card.json"
    cards = json.loads(card.read_text(encoding="utf-8")) | {name: make(name, images, labels) for name in names}
    card.write_text(json.dumps(cards, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: cards[name] for name in names}, indent=1))


if __name__ == "__main__":
    main()

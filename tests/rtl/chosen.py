"""Runs of every machine, by number, that meet every situation that it can get into.

Chosen by ``python -m tests.rtl.cover choose 300``. They keep the co-simulation short, no more: where strategies have
come to draw other programs, it goes on with other runs until every situation is met.
"""

from __future__ import annotations

CHOSEN: dict[str, tuple[int, ...]] = {
    "tree-saturate-8": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 81, 107, 187),
    "tree-wrap-12": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 26, 52, 126),
    "tree-readout-16": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 37, 101, 209, 286),
    "tree-saturate-18": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 46, 122),
    "tree-trap-24": (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 23, 25, 41, 89, 189),
    "tree-wide-32": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 61, 76, 132),
    "tree-one-column": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 62, 157, 158),
    "chain-saturate-8": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 43, 222),
    "chain-wrap-16": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 48, 92, 97, 110),
    "chain-readout-12": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 114, 232),
    "chain-saturate-24": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 25, 33, 65, 113),
    "chain-wrap-32": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 44, 46, 228, 238, 240),
    "chain-trap-18": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 160, 161, 234, 253),
    "tree-wide-bias": (0, 1, 2, 3, 4, 5, 6, 7, 10, 26, 61, 110, 116, 130, 150),
    "tree-inner-wrap-14": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 80, 194, 224),
    "chain-inner-saturate-13": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 26, 70, 105, 126),
}

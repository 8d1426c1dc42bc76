# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mono3d_addon.core.mesh.islands import drop_islands, label_components


def grid_triangles(rows: int, columns: int, keep: np.ndarray) -> np.ndarray:
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    both = np.concatenate([np.stack([a, c, b], 2).reshape(-1, 3), np.stack([b, c, d], 2).reshape(-1, 3)])
    return both[keep[: len(both)]]


def brute_pieces(triangles: np.ndarray, count: int) -> list[int]:
    label = list(range(count))

    def root(node: int) -> int:
        while label[node] != node:
            node = label[node]
        return node

    for triangle in triangles.tolist():
        for one in triangle[1:]:
            label[root(one)] = root(triangle[0])
    return [root(node) for node in range(count)]


def links(triangles: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    along, down = np.zeros((rows, columns - 1), bool), np.zeros((rows - 1, columns), bool)
    for triangle in triangles.tolist():
        for one in triangle:
            for other in triangle:
                if other == one + 1 and other % columns:
                    along[one // columns, one % columns] = True
                elif other == one + columns:
                    down[one // columns, one % columns] = True
    return along, down


@given(st.integers(2, 12), st.integers(2, 12), st.floats(0, 1), st.integers(0, 2**31))
def test_pieces_equal_a_plain_union_find(rows: int, columns: int, share: float, seed: int) -> None:
    keep = np.random.default_rng(seed).random(2 * rows * columns) < share
    triangles = grid_triangles(rows, columns, keep)
    ours = label_components(*links(triangles, rows, columns)).ravel()
    theirs = brute_pieces(triangles, rows * columns)
    assert len(set(zip(ours.tolist(), theirs, strict=True))) == len(set(ours.tolist())) == len(set(theirs))


def test_small_pieces_go_and_large_ones_stay() -> None:
    triangles = grid_triangles(20, 20, np.ones(2 * 400, bool))
    column = triangles.min(1) % 20
    torn = triangles[(column < 14) | (column > 17)]
    left = drop_islands(torn, *links(torn, 20, 20), 0.15)
    assert len(left) == (column < 14).sum()
    assert len(drop_islands(torn, *links(torn, 20, 20), 0.01)) == len(torn)


def test_nothing_stays_nothing() -> None:
    empty = np.empty((0, 3), np.int32)
    assert len(drop_islands(empty, *links(empty, 4, 4), 0.1)) == 0

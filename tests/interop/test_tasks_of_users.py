"""Five tasks of users, each in at most six lines of their own: the lines of `task_...`."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import pysig
import pysig.cli
import pysig.data

pytest.importorskip("pandas")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")

import pandas
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pysig.interop import frames
from pysig.interop.sklearn import SignatureTransformer


def task_classify(data):
    features = SignatureTransformer(2, basis="words", basepoint=True)
    model = make_pipeline(features, StandardScaler(), RidgeClassifier())
    return cross_val_score(model, data.paths, data.labels, cv=3).mean()


def task_classify_ragged(data):
    paths = [path[:n] for path, n in zip(data.paths, data.lengths, strict=True)]
    features = SignatureTransformer(2, basepoint=True)
    model = make_pipeline(features, StandardScaler(), RidgeClassifier())
    return cross_val_score(model, paths, data.labels, cv=3).mean()


def task_roll(ticks):
    return frames.signature(ticks, 2, window="60s", start="partial")


def task_matrix(paths):
    return pysig.signature(paths, 3)


def task_command(name):
    return f"signature {name} --id symbol --time-column ts --depth 2 -o features{Path(name).suffix}"


def task_two_samples(before, after):
    return pysig.mmd_test(before, after, n_permutations=99, seed=0).pvalue


def test_each_task_has_at_most_six_lines():
    tasks = [value for name, value in globals().items() if name.startswith("task_")]
    assert len(tasks) == 6
    assert max(len(inspect.getsource(task).splitlines()) - 1 for task in tasks) <= 6


def test_classification():
    assert task_classify(pysig.data.load("basic_motions")) > 0.8
    assert task_classify_ragged(pysig.data.load("japanese_vowels")) > 0.9


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_rolling_features(rng, zone):
    start = np.datetime64("2026-01-05T09:00")
    seconds = np.cumsum(rng.integers(1, 40, 50)).astype("m8[s]")
    ticks = pandas.DataFrame(
        rng.normal(size=(50, 2)).cumsum(axis=0),
        index=pandas.DatetimeIndex(start + seconds, name="ts").tz_localize(zone),
        columns=["price", "size"],
    )
    found = task_roll(ticks)
    assert found.index.equals(ticks.index)
    for k in (0, 17, 49):
        inside = (seconds > seconds[k] - np.timedelta64(60, "s")) & (seconds <= seconds[k])
        expected = pysig.signature(ticks.to_numpy()[inside], 2)
        np.testing.assert_allclose(found.to_numpy()[k], expected, atol=1e-12)


def test_a_list_to_a_matrix(rng):
    paths = [rng.normal(size=(n, 2)) for n in (5, 1, 9, 30)]
    expected = np.stack([pysig.signature(path, 3) for path in paths])
    np.testing.assert_allclose(task_matrix(paths), expected, atol=1e-13)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_many_paths(command, rng, suffix):
    count, points = 200, 500
    table = pandas.DataFrame(
        {
            "symbol": np.repeat([f"S{k}" for k in range(count)], points),
            "ts": np.datetime64("2026-01-05", "s") + np.tile(np.arange(points), count),
            "price": rng.normal(size=count * points).round(3),
            "size": rng.integers(0, 9, count * points),
        }
    )
    write = table.to_csv if suffix == ".csv" else table.to_parquet
    write(f"ticks{suffix}", index=False)
    result = command(*task_command(f"ticks{suffix}").split())
    assert "200 paths of 500 points; 2 channels: price, size; id: symbol; time: ts" in result.err
    read = pandas.read_csv if suffix == ".csv" else pandas.read_parquet
    found = read(f"features{suffix}").set_index("symbol")
    paths = table[["price", "size"]].to_numpy(float).reshape(count, points, 2)
    assert found.index.tolist() == table["symbol"].unique().tolist()
    np.testing.assert_allclose(found.to_numpy(), pysig.signature(paths, 2), rtol=1e-9, atol=1e-9)


def test_two_samples(rng):
    before, after = rng.normal(size=(2, 20, 10, 2)).cumsum(axis=-2) / 4
    assert task_two_samples(before, after + np.linspace(0, 3, 10)[:, None]) < 0.05
    assert task_two_samples(before, before[::-1]) > 0.5

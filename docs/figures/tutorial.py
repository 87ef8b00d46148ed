"""The tutorial in a picture: recordings of four activities, and the answers of the classifier."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import make_pipeline

import pysig.data
from pysig.interop.sklearn import SignatureScaler, SignatureTransformer


def figure() -> Figure:
    """Left: one channel of a recording of each activity. Right: the confusion matrix."""
    motions = pysig.data.load("basic_motions")
    train = motions.split == "train"
    model = make_pipeline(
        SignatureTransformer(depth=2), SignatureScaler(depth=2), LogisticRegression(max_iter=1000)
    ).fit(motions.paths[train], motions.labels[train])
    answers = model.predict(motions.paths[~train])

    result, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), width_ratios=[1.4, 1])
    for shift, name in enumerate(model.classes_):
        first = np.flatnonzero(motions.labels == name)[0]
        left.plot(motions.times[first], motions.paths[first, :, 0] - 25 * shift, label=name)
    left.set(xlabel="time (s)", ylabel="acceleration, shifted", yticks=[])
    left.legend(ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.2))

    counts = confusion_matrix(motions.labels[~train], answers)
    right.imshow(counts, cmap="Blues", vmax=2 * counts.max())
    for (row, column), count in np.ndenumerate(counts):
        right.text(column, row, count, ha="center", va="center", color="#08306b")
    right.set_xticks(range(4), model.classes_, rotation=45, ha="right")
    right.set_yticks(range(4), model.classes_)
    right.set(xlabel="answer", ylabel="activity")
    return result

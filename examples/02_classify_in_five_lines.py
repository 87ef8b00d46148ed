r"""
Classify series in five lines
=============================

Nine speakers say two vowels. Each utterance is a path of 7 to 29 points in 12
channels. A linear model on signatures tells who speaks, since linear
functions of the signature approximate every continuous function of a path:

.. math:: f(x) \approx \sum_{|w| \le N} \ell_w \, S(x)_w .
"""

# %%
# The split is that of the authors of the data: 270 utterances to train, 370 to
# test. Paths of different lengths are a list of arrays.

import pandas as pd
from matplotlib import pyplot as plt
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pysig.data
from pysig.interop.sklearn import SignatureTransformer

data = pysig.data.load("japanese_vowels")
paths = [path[:n] for path, n in zip(data.paths, data.lengths, strict=True)]
train, test = paths[:270], paths[270:]
speakers, answers = data.labels[:270], data.labels[270:]

# %%
# Five lines make, fit and apply the classifier. Where a path begins matters
# here, so the features include the first point (``basepoint``).

features = SignatureTransformer(depth=2, basepoint=True)
model = make_pipeline(features, StandardScaler(), RidgeClassifier(alpha=10))
model.fit(train, speakers)
found = model.predict(test)
accuracy = model.score(test, answers)

# %%
# Precision and recall of the speakers:

report = classification_report(answers, found, output_dict=True)
table = pd.DataFrame(report).T.drop(index=["accuracy", "macro avg"])
table.round(3).astype({"support": int})

# %%
# Almost all utterances are on the diagonal:

figure, axis = plt.subplots(figsize=(4.2, 3.6), num="Confusion matrix of nine speakers")
ConfusionMatrixDisplay.from_predictions(
    answers, found, ax=axis, cmap="Blues", colorbar=False
)
axis.set_title(f"{accuracy:.1%} of {len(answers)} utterances")
plt.show()

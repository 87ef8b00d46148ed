r"""
Rolling features on irregular time stamps
=========================================

Two prices change at random times. First one leads and the other follows, then
they change roles. The area of the last minute tells who leads:

.. math:: A_t = \tfrac12 \int_{t-60}^{t} (a - a_{t-60})\,db - (b - b_{t-60})\,da ,

which is half the difference of two coefficients of level 2.
"""

# %%
# The data: one row for each change, with its time stamp. Times are irregular,
# in seconds between 0 and 4.

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.dates import DateFormatter

from pysig.interop import frames

rng = np.random.default_rng(0)
steps = rng.exponential(1.0, size=2400).clip(0.001, 4)
seconds = steps.cumsum()
news = (rng.normal(size=2400) * np.sqrt(steps)).cumsum()
late = np.interp(seconds - 4, seconds, news)  # the same news 4 s later
a_leads = seconds < seconds[-1] / 2
stamps = pd.Timestamp("2026-01-05 09:00") + pd.to_timedelta(seconds, unit="s")
prices = pd.DataFrame(
    {
        "a": np.where(a_leads, news, late) + rng.normal(0, 0.2, 2400),
        "b": np.where(a_leads, late, news) + rng.normal(0, 0.2, 2400),
    },
    index=stamps.rename("time"),
)

# %%
# One call computes the signatures of all windows of 60 seconds. The windows
# overlap; their work is shared, so their length does not matter.

words = ["a", "b", "a,b", "b,a"]
table = frames.signature(prices, words=words, window="60s")
table["area"] = (table["S(a,b)"] - table["S(b,a)"]) / 2
table["points"] = prices["a"].rolling("60s").count()
table.iloc[[0, 1, 2, -2, -1]].round(2)

# %%
# The eye cannot tell the two prices apart. The area is positive while ``a``
# leads, and negative afterwards.

description = "Two prices, and the area of their last minute, which changes sign"
figure, (above, below) = plt.subplots(
    2, 1, figsize=(8, 4), sharex=True, num=description
)
for column in ("a", "b"):
    above.plot(prices.index, prices[column], lw=0.8, label=column)
above.legend()
above.set_ylabel("price")
colours = np.where(table["area"] > 0, "C0", "C1")
below.vlines(table.index, 0, table["area"], colors=colours, lw=0.4)
below.axhline(0, color="0.5", lw=0.8)
below.axvline(stamps[a_leads][-1], color="0.5", ls=":")
below.text(stamps[600], below.get_ylim()[1], "a leads", ha="center", va="top")
below.text(stamps[1800], below.get_ylim()[1], "b leads", ha="center", va="top")
below.set(xlabel="time", ylabel="area of the last minute")
below.xaxis.set_major_formatter(DateFormatter("%H:%M"))
plt.show()

# %%
first = table.index <= stamps[a_leads][-1]
right = np.where(first, table["area"] > 0, table["area"] < 0).mean()
print(f"The sign of the area is right in {right:.0%} of all windows.")

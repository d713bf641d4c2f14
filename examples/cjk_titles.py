"""Titles in Chinese, Japanese and Korean, with no font set."""

import matplotlib.pyplot as plt
import numpy as np

titles = ["简体中文：销售额", "繁體中文：銷售額", "日本語：売上高", "한국어: 매출액"]
months = np.arange(1, 13)
rng = np.random.default_rng(2)

fig, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained", sharex=True)
for ax, title, colour in zip(axes.flat, titles, ("#4c78a8", "#f58518", "#54a24b", "#b279a2"), strict=True):
    ax.bar(months, 40 + 3 * months + rng.normal(0, 8, 12), color=colour)
    ax.set_title(title, fontsize=15)
fig.suptitle(r"季度增长 · 前年比 · 전년 대비 ($\Delta \approx 8\,\%$)")
fig.supxlabel("月 / 월")
plt.show()

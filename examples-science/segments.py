"""Coins found in a photograph, by scikit-image."""

import matplotlib.pyplot as plt
from skimage import color, data, filters, measure, morphology, segmentation

photograph = data.coins()
mask = morphology.closing(photograph > filters.threshold_otsu(photograph), morphology.disk(3))
labels = measure.label(segmentation.clear_border(mask))
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.imshow(photograph, cmap="gray")
left.set_title("photograph")
right.imshow(color.label2rgb(labels, photograph, bg_label=0))
coins = [region for region in measure.regionprops(labels) if region.area > 500]
for coin in coins:
    top, start, bottom, end = coin.bbox
    right.add_patch(plt.Rectangle((start, top), end - start, bottom - top, fill=False, color="white"))
right.set_title(f"{len(coins)} found")
for ax in (left, right):
    ax.axis("off")
plt.show()

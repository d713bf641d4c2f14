"""Colours as people see them: contrast, and differences with and without a colour-vision deficiency.

Sources: WCAG 2.2, "contrast ratio" and "relative luminance". IEC 61966-2-1 for sRGB. CIE 15 for CIELAB. G. M. Machado,
M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency"
(IEEE TVCG 15, 2009): its matrices for a severity of 1.0. M. Stone, D. A. Szafir and V. Setlur, "An Engineering Model
for Color Difference as a Function of Size" (Color Imaging Conference 2014): the difference in CIELAB that half of all
people notice between marks of a size.
"""

from __future__ import annotations

from typing import Any

#: What becomes of linear sRGB for people without one of the three kinds of cones.
DEFICIENCIES = {
    "red-blind (protan)": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "green-blind (deutan)": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "blue-blind (tritan)": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}

#: From linear sRGB to CIE XYZ, white at D65.
XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)

#: sRGB is in proportion to light up to here.
LINEAR_UP_TO = 0.04045

#: Share of people who notice a difference, and the size of marks in degrees of the visual field, the least that the
#: model was made for: some 15 pixels at arm's length, as the key of a legend.
NOTICED_BY = 0.5
MARK_DEGREES = 1 / 3

#: The model's coefficients for L*, a* and b*.
COEFFICIENTS = ((10.16, 1.50), (10.68, 3.08), (10.70, 5.74))

#: Difference that half of all people notice.
NOTICEABLE = 1.0


def linear(rgb: Any) -> Any:
    """Return colours of sRGB, in 0 to 1, with intensities in proportion to light."""
    import numpy as np

    rgb = np.asarray(rgb, float)[..., :3]
    return np.where(rgb <= LINEAR_UP_TO, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb: Any) -> float:
    """Return the relative luminance of a colour, 0 for black and 1 for white."""
    import numpy as np

    return float(linear(rgb) @ np.array(XYZ[1]))


def contrast_ratio(one: Any, other: Any) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def blend(above: Any, below: Any) -> Any:
    """Return the colour of one that lets through what is below, by its alpha."""
    alpha = float(above[3])
    return (*(alpha * float(a) + (1 - alpha) * float(b) for a, b in zip(above[:3], below[:3], strict=True)), 1.0)


def lab(light: Any) -> Any:
    """Return linear colours in CIELAB."""
    import numpy as np

    matrix = np.array(XYZ)
    part = light @ matrix.T / matrix.sum(1)
    root = np.where(part > 216 / 24389, np.cbrt(part), (24389 / 27 * part + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1)


def differences(colours: Any, deficiency: str | None = None) -> Any:
    """Return how different colours look, each from each; below `NOTICEABLE` half of all people see no difference.

    Args:
        colours: Rows of sRGB in 0 to 1.
        deficiency: Key of `DEFICIENCIES`, "grey" for a print without colours, None for full colour vision.
    """
    import numpy as np

    light = linear(colours)
    if deficiency == "grey":
        light = np.repeat((light @ np.array(XYZ[1]))[:, None], 3, 1)
    elif deficiency is not None:
        light = np.clip(light @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    places = lab(light) / [NOTICED_BY * (a + b / MARK_DEGREES) for a, b in COEFFICIENTS]
    return np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1))

"""A regression with its confidence band and what it leaves over, by statsmodels."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

rng = np.random.default_rng(8)
frame = pd.DataFrame({"dose": np.linspace(0, 10, 60)})
frame["response"] = 2 + 1.4 * frame["dose"] - 0.06 * frame["dose"] ** 2 + rng.normal(0, 0.7, 60)
fit = smf.ols("response ~ dose + I(dose ** 2)", frame).fit()
band = fit.get_prediction(frame).summary_frame()
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.scatter(frame["dose"], frame["response"], s=15, color="0.4")
left.plot(frame["dose"], band["mean"], color="C3")
left.fill_between(frame["dose"], band["mean_ci_lower"], band["mean_ci_upper"], color="C3", alpha=0.2)
left.set(xlabel="dose", ylabel="response", title=f"R² = {fit.rsquared:.2f}")
sm.qqplot(fit.resid, line="s", ax=right, markersize=4)
right.set_title("Residuals")
plt.show()

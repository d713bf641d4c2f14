"""What is imported beforehand, in this order; what an image hasn't got is left out.

A unit brings all that it imports itself. It is named here if programs import it by its own name, or if a package
imports it only when it is used. Adding one costs memory that all containers of an image share, and nothing per job.
"""

from __future__ import annotations

STANDARD_LIBRARY = (
    *("__future__", "abc", "argparse", "array", "ast", "asyncio", "atexit", "base64", "bisect", "bz2", "calendar"),
    *("cmath", "codecs", "collections", "collections.abc", "colorsys", "concurrent.futures", "configparser"),
    *("concurrent.futures.process", "concurrent.futures.thread", "contextlib", "contextvars", "copy", "csv", "ctypes"),
    *("ctypes.util", "dataclasses", "datetime", "decimal", "difflib", "email.utils", "enum", "errno", "fractions"),
    *("functools", "gc", "getpass", "glob", "gzip", "hashlib", "heapq", "html", "html.parser", "importlib.metadata"),
    *("importlib.resources", "inspect", "io", "itertools", "json", "locale", "logging", "logging.handlers", "lzma"),
    *("math", "mimetypes", "multiprocessing", "multiprocessing.pool", "numbers", "operator", "os", "pathlib", "pickle"),
    *("pkgutil", "platform", "pprint", "queue", "random", "re", "resource", "sched", "secrets", "shlex", "shutil"),
    *("signal", "socket", "sqlite3", "ssl", "stat", "statistics", "string", "struct", "subprocess", "sys", "tarfile"),
    *("tempfile", "textwrap", "threading", "time", "timeit", "tokenize", "traceback", "types", "typing", "unicodedata"),
    *("unittest", "unittest.mock", "urllib.error", "urllib.parse", "urllib.request", "uuid", "warnings", "weakref"),
    *("xml.dom.minidom", "xml.etree.ElementTree", "xml.sax.saxutils", "zipfile", "zlib", "zoneinfo"),
    # Codecs that reading text and Matplotlib's files use.
    *("encodings.ascii", "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.utf_8_sig"),
)

MATPLOTLIB = (
    *("matplotlib.animation", "matplotlib.artist", "matplotlib.axes", "matplotlib.axis", "matplotlib.bezier"),
    *("matplotlib.category", "matplotlib.cbook", "matplotlib.cm", "matplotlib.collections", "matplotlib.colorbar"),
    *("matplotlib.colors", "matplotlib.container", "matplotlib.contour", "matplotlib.dates", "matplotlib.figure"),
    *("matplotlib.font_manager", "matplotlib.ft2font", "matplotlib.gridspec", "matplotlib.hatch", "matplotlib.image"),
    *("matplotlib.inset", "matplotlib.layout_engine", "matplotlib.legend", "matplotlib.legend_handler"),
    *("matplotlib.lines", "matplotlib.markers", "matplotlib.mathtext", "matplotlib.mlab", "matplotlib.offsetbox"),
    *("matplotlib.patches", "matplotlib.path", "matplotlib.patheffects", "matplotlib.projections"),
    *("matplotlib.projections.geo", "matplotlib.projections.polar", "matplotlib.pylab", "pylab", "matplotlib.quiver"),
    *("matplotlib.rcsetup", "matplotlib.sankey", "matplotlib.scale", "matplotlib.spines", "matplotlib.stackplot"),
    *("matplotlib.streamplot", "matplotlib.style", "matplotlib.style.core", "matplotlib.table", "matplotlib.testing"),
    *("matplotlib.text", "matplotlib.textpath", "matplotlib.ticker", "matplotlib.transforms", "matplotlib.tri"),
    *("matplotlib.typing", "matplotlib.units", "matplotlib.widgets"),
    *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_mixed", "matplotlib.backends.backend_pdf"),
    *("matplotlib.backends.backend_ps", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_template"),
    *("mpl_toolkits.mplot3d", "mpl_toolkits.mplot3d.art3d", "mpl_toolkits.mplot3d.axes3d"),
    *("mpl_toolkits.mplot3d.proj3d", "mpl_toolkits.axes_grid1", "mpl_toolkits.axes_grid1.anchored_artists"),
    *("mpl_toolkits.axes_grid1.axes_divider", "mpl_toolkits.axes_grid1.axes_grid"),
    *("mpl_toolkits.axes_grid1.axes_rgb", "mpl_toolkits.axes_grid1.axes_size"),
    *("mpl_toolkits.axes_grid1.inset_locator", "mpl_toolkits.axes_grid1.mpl_axes"),
    *("mpl_toolkits.axes_grid1.parasite_axes", "mpl_toolkits.axisartist", "mpl_toolkits.axisartist.floating_axes"),
    *("mpl_toolkits.axisartist.angle_helper", "mpl_toolkits.axisartist.axislines"),
    *("mpl_toolkits.axisartist.grid_finder", "mpl_toolkits.axisartist.grid_helper_curvelinear"),
    # What saving imports when it is first done.
    *("fontTools.subset", "fontTools.ttLib", "fontTools.ttLib.tables._g_l_y_f", "fontTools.agl"),
    *("PIL.BmpImagePlugin", "PIL.EpsImagePlugin", "PIL.GifImagePlugin", "PIL.IcoImagePlugin", "PIL.Image"),
    *("PIL.ImageChops", "PIL.ImageColor", "PIL.ImageDraw", "PIL.ImageEnhance", "PIL.ImageFilter", "PIL.ImageFont"),
    *("PIL.ImageOps", "PIL.ImageSequence", "PIL.JpegImagePlugin", "PIL.PdfImagePlugin", "PIL.PngImagePlugin"),
    *("PIL.PpmImagePlugin", "PIL.TiffImagePlugin", "PIL.WebPImagePlugin"),
    *("numpy.char", "numpy.ctypeslib", "numpy.fft", "numpy.lib.stride_tricks", "numpy.linalg", "numpy.ma"),
    *("numpy.matlib", "numpy.polynomial", "numpy.random", "numpy.rec", "numpy.strings", "numpy.testing"),
    *("numpy.typing", "dateutil.easter", "dateutil.parser", "dateutil.relativedelta", "dateutil.rrule", "dateutil.tz"),
    *("cycler", "contourpy", "kiwisolver", "pyparsing", "packaging.version", "packaging.requirements"),
)

PANDAS = (
    *("pandas", "pandas.api.extensions", "pandas.api.types", "pandas.errors", "pandas.io.excel"),
    *("pandas.io.html", "pandas.io.json", "pandas.io.sql", "pandas.plotting", "pandas.plotting._matplotlib"),
    *("pandas.testing", "pandas.tseries.frequencies", "pandas.tseries.holiday", "pandas.tseries.offsets"),
)

SCIPY = (
    *("scipy", "scipy.cluster", "scipy.cluster.hierarchy", "scipy.cluster.vq", "scipy.constants", "scipy.datasets"),
    *("scipy.differentiate", "scipy.fft", "scipy.fftpack", "scipy.integrate", "scipy.interpolate", "scipy.io"),
    *("scipy.io.wavfile", "scipy.linalg", "scipy.linalg.blas", "scipy.linalg.interpolative", "scipy.linalg.lapack"),
    *("scipy.misc", "scipy.ndimage", "scipy.odr", "scipy.optimize", "scipy.signal", "scipy.signal.windows"),
    *("scipy.sparse", "scipy.sparse.csgraph", "scipy.sparse.linalg", "scipy.spatial", "scipy.spatial.distance"),
    *("scipy.spatial.transform", "scipy.special", "scipy.stats", "scipy.stats.contingency"),
    *("scipy.stats.distributions", "scipy.stats.mstats", "scipy.stats.qmc", "scipy.stats.sampling"),
)

#: What the next ones build on comes first: an effect that another module has had already isn't seen.
SCIENCE = (
    *("threadpoolctl", "joblib", "patsy", "tifffile", "imageio"),
    *("seaborn", "seaborn.objects", "networkx", "networkx.drawing.layout", "networkx.drawing.nx_pylab"),
    *("networkx.algorithms.community", "networkx.algorithms.bipartite", "networkx.readwrite.json_graph"),
    *("sklearn", "sklearn.calibration", "sklearn.cluster", "sklearn.compose", "sklearn.covariance"),
    *("sklearn.cross_decomposition", "sklearn.datasets", "sklearn.decomposition", "sklearn.discriminant_analysis"),
    *("sklearn.dummy", "sklearn.ensemble", "sklearn.exceptions", "sklearn.feature_extraction"),
    *("sklearn.feature_extraction.text", "sklearn.feature_selection", "sklearn.gaussian_process"),
    *("sklearn.gaussian_process.kernels", "sklearn.impute", "sklearn.inspection", "sklearn.isotonic"),
    *("sklearn.kernel_approximation", "sklearn.kernel_ridge", "sklearn.linear_model", "sklearn.manifold"),
    *("sklearn.metrics", "sklearn.metrics.cluster", "sklearn.metrics.pairwise", "sklearn.mixture"),
    *("sklearn.model_selection", "sklearn.multiclass", "sklearn.multioutput", "sklearn.naive_bayes"),
    *("sklearn.neighbors", "sklearn.neural_network", "sklearn.pipeline", "sklearn.preprocessing"),
    *("sklearn.random_projection", "sklearn.semi_supervised", "sklearn.svm", "sklearn.tree", "sklearn.utils"),
    *("skimage", "skimage.color", "skimage.data", "skimage.draw", "skimage.exposure", "skimage.feature"),
    *("skimage.filters", "skimage.filters.rank", "skimage.future", "skimage.graph", "skimage.io", "skimage.measure"),
    *("skimage.metrics", "skimage.morphology", "skimage.registration", "skimage.restoration"),
    *("skimage.segmentation", "skimage.transform", "skimage.util", "imageio.v2", "imageio.v3"),
    *("statsmodels", "statsmodels.api", "statsmodels.formula.api", "statsmodels.graphics.api"),
    *("statsmodels.graphics.gofplots", "statsmodels.graphics.mosaicplot", "statsmodels.graphics.regressionplots"),
    *("statsmodels.graphics.tsaplots", "statsmodels.nonparametric.api", "statsmodels.nonparametric.smoothers_lowess"),
    *("statsmodels.stats.api", "statsmodels.stats.multicomp", "statsmodels.stats.outliers_influence"),
    *("statsmodels.tsa.api", "statsmodels.tsa.arima.model", "statsmodels.tsa.holtwinters", "statsmodels.tsa.seasonal"),
    *("statsmodels.tsa.statespace.sarimax", "statsmodels.tsa.stattools"),
)

UNITS = (*STANDARD_LIBRARY, *MATPLOTLIB, *PANDAS, *SCIPY, *SCIENCE)

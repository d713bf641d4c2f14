# %% variables of the environment
import os
os.environ["MINE"] = "1"
print(os.environ["MINE"], os.getenv("NONE", "default"), os.environ["LANG"])

# %% a user
import getpass
import os
print(len(getpass.getuser()) > 0, os.path.expanduser("~") != "~")

# %% a home
from pathlib import Path
(Path.home() / ".config").mkdir(exist_ok=True)
print((Path.home() / ".config").is_dir())

# %% a user's entry
import os
import pwd
print(pwd.getpwuid(os.getuid()).pw_uid == os.getuid())

# %% the machine
import os
import platform
import sys
print(platform.system(), os.name, sys.platform, sys.byteorder, platform.python_implementation())

# %% time
import time
print(time.tzname, time.timezone, time.strftime("%Y", time.gmtime(0)), time.time() > 1.7e9)

# %% a zone set
import os
import time
os.environ["TZ"] = "America/New_York"
time.tzset()
print(time.strftime("%H %Z", time.localtime(0)))

# %% zones
import datetime
from zoneinfo import ZoneInfo, available_timezones
print(datetime.datetime(2024, 7, 1, tzinfo=ZoneInfo("Asia/Tokyo")).isoformat(), len(available_timezones()) > 400)

# %% clocks
import time
print(time.monotonic() > 0, time.perf_counter() > 0, time.process_time() < 60)

# %% the locale that is set
import locale
print(locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), locale.localeconv()["decimal_point"])

# %% calendars and dates
import calendar
import datetime
print(calendar.month(2024, 2), datetime.date(2024, 2, 29).strftime("%A %d %B %Y"))

# %% encodings
import codecs
import sys
print(sys.getfilesystemencoding(), "ß".encode("latin-1"), codecs.lookup("cp1252").name, "あ".encode("shift_jis"))

# %% limits
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0)

# %% the mask of new files
import os
open("f", "w").close()
print(oct(os.stat("f").st_mode & 0o777), oct(os.umask(0o22)))

# %% a search for programs
import shutil
print(shutil.which("git"), shutil.which("ffmpeg"))

# %% arguments
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, default=3)
print(parser.parse_args())

# %% a configuration
import configparser
import io
parser = configparser.ConfigParser()
parser.read_file(io.StringIO("[a]\nb = 1"))
print(parser["a"]["b"])

# %% sizes
import sys
print(sys.maxsize, sys.float_info.epsilon, sys.getsizeof([]))

# %% large integers
print(2**200, len(str(2**10000)))

# %% platform of Matplotlib
import matplotlib
print(matplotlib.get_backend(), matplotlib.get_configdir() is not None, matplotlib.is_interactive())

# %% a terminal's size
import shutil
print(shutil.get_terminal_size())

# %% modes of one's own files
import os
import stat
from pathlib import Path
open("a.txt", "w").write("1")
os.makedirs("folder")
os.chmod("folder", 0o700)
for mode in (0o600, 0o644, 0o755, 0o444):
    Path("a.txt").chmod(mode)
    print(stat.filemode(os.stat("a.txt").st_mode))
print(os.access("a.txt", os.R_OK), stat.filemode(os.stat("folder").st_mode))

# %% a file that sets the user's id
# differs: Links
import os
open("tool", "w").close()
os.chmod("tool", 0o4755)

# %% a copy with times and modes
import os
import shutil
open("a.txt", "w").write("1")
os.utime("a.txt", (1_000_000_000, 1_000_000_000))
os.chmod("a.txt", 0o640)
shutil.copy2("a.txt", "b.txt")
shutil.copymode("a.txt", "b.txt")
shutil.move("b.txt", "c.txt")
print(os.stat("c.txt").st_mtime, oct(os.stat("c.txt").st_mode))

# %% an archive of a folder
import os
import shutil
os.makedirs("tree/below")
open("tree/below/f.txt", "w").write("1")
shutil.make_archive("packed", "zip", "tree")
shutil.unpack_archive("packed.zip", "out")
print(os.path.exists("out/below/f.txt"))
os.remove("packed.zip")

# %% numbers of Germany
import locale
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
print(locale.format_string("%.2f", 1234567.5, grouping=True), locale.currency(9.5), locale.atof("1.000,5"))

# %% days of France
import locale
import time
locale.setlocale(locale.LC_TIME, "fr_FR.UTF-8")
print(time.strftime("%A %d %B", time.gmtime(0)))

# %% a locale that isn't there
import locale
try:
    locale.setlocale(locale.LC_ALL, "xx_XX.UTF-8")
except locale.Error as error:
    print(error)

# %% the locale of the user
import locale
print(locale.setlocale(locale.LC_ALL, ""), locale.getlocale())

# %% sorted by a locale
import locale
locale.setlocale(locale.LC_COLLATE, "en_US.UTF-8")
print(sorted(["zebra", "Äpfel", "apple", "Zoo"], key=locale.strxfrm))

# %% a plot with commas
import locale
import matplotlib.pyplot as plt
locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")
plt.rcParams["axes.formatter.use_locale"] = True
plt.plot([0.5, 1.5])

# %% months of a plot in Spanish
import datetime
import locale
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
locale.setlocale(locale.LC_TIME, "es_ES.UTF-8")
plt.plot([datetime.date(2024, month, 1) for month in range(1, 7)], range(6))
plt.gca().xaxis.set_major_formatter(mdates.DateFormatter("%B"))

# %% the user's name in the environment
import getpass
import os
print(getpass.getuser(), os.environ["USER"], os.environ["HOME"], os.path.expanduser("~/plots"))

# %% a cache at home
import os
folder = os.path.join(os.path.expanduser("~"), ".cache", "mine")
os.makedirs(folder, exist_ok=True)
print(os.path.isdir(folder))

# %% space on the disk
import shutil
print(shutil.disk_usage(".").total > 0)

# %% a temporary folder
import os
import tempfile
folder = tempfile.mkdtemp()
print(os.path.dirname(folder) == tempfile.gettempdir(), tempfile.gettempdir())
os.rmdir(folder)

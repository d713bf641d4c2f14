# %% no network
# differs: Network
import urllib.request
urllib.request.urlopen("http://127.0.0.1:9/")

# %% no names of hosts
# differs: Network
import socket
socket.gethostbyname("example.org")

# %% no child
# differs: Child processes
import subprocess
subprocess.run(["python3", "-c", "print(1)"])

# %% no shell
# differs: Child processes
import os
print(os.system("exit 3"))

# %% no program
import subprocess
try:
    subprocess.check_output(["git", "rev-parse", "HEAD"])
except FileNotFoundError:
    print("no git")

# %% no fork
# differs: Child processes
import os
if os.fork() == 0:
    os._exit(0)
os.wait()

# %% pool of processes
# differs: Child processes
from multiprocessing import Pool
def square(n):
    return n * n
if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.map(square, range(3)))

# %% an executor of processes
# differs: Child processes
from concurrent.futures import ProcessPoolExecutor
def square(n):
    return n * n
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(square, range(3))))

# %% more than a hundred figures
# differs: Figures
import matplotlib.pyplot as plt
plt.rcParams["figure.max_open_warning"] = 0
for number in range(105):
    plt.figure(figsize=(1, 1))

# %% a figure that pyplot doesn't know
# differs: Figures
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1, 2])

# %% too large a picture
# differs: Sizes
import matplotlib.pyplot as plt
plt.figure(figsize=(75, 70))

# %% movies
# differs: Advice
import matplotlib.pyplot as plt
from matplotlib.animation import FuncAnimation
fig = plt.figure()
FuncAnimation(fig, lambda n: (), frames=2).save("a.mp4", writer="ffmpeg")

# %% a server of one's own
# differs: Network
import http.server
import threading
import urllib.request
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").status)

# %% a table from the web
# differs: Network
import pandas as pd
pd.read_csv("https://example.org/data.csv")

# %% a browser that isn't there
import webbrowser
print(webbrowser.open("https://example.org/"))

# %% the output of a command
# differs: Child processes
import os
print(os.popen("echo hello").read())

# %% a process
# differs: Child processes
from multiprocessing import Process
def work():
    print("working")
if __name__ == "__main__":
    process = Process(target=work)
    process.start()
    process.join()

# %% a command from a coroutine
# differs: Child processes
import asyncio
import sys
async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)")
    print(await process.wait())
asyncio.run(main())

# %% a counter for processes
# differs: Shared memory
from multiprocessing import Value
counter = Value("i", 0)
with counter.get_lock():
    counter.value += 1
print(counter.value)

# %% an array for processes
# differs: Shared memory
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=16)
block.buf[0] = 7
print(block.buf[0])
block.close()
block.unlink()

# %% a queue and a lock for processes
from multiprocessing import Lock, Queue
queue = Queue()
with Lock():
    queue.put([1, 2])
print(queue.get(timeout=5))

# %% a pipe for processes
from multiprocessing import Pipe
here, there = Pipe()
here.send({"a": 1})
print(there.recv())

# %% the end with words
# differs: Exit
import sys
print("read 0 rows")
sys.exit("nothing to draw")

# %% the end with a number
# differs: Exit
import sys
sys.exit(2)

# %% the end at once
# differs: End
import os
os._exit(0)

# %% an abort
# differs: End
import os
os.abort()

# %% a thread that isn't waited for
# differs: End
import threading
import time
def slow():
    time.sleep(1)
    print("ready")
threading.Thread(target=slow).start()

# %% a very long print
# differs: Output
for number in range(20_000):
    print("line", number)

# %% many files
# differs: Files
for number in range(80):
    with open(f"part-{number:02}.txt", "w") as file:
        file.write(str(number))

# %% files deep down
# differs: Files
import os
folder = "/".join("abcdefghijkl")
os.makedirs(folder)
open(f"{folder}/deep.txt", "w").write("x")

# %% a file that is larger than what may come back
# differs: Files
with open("data.bin", "wb") as file:
    for _ in range(20):
        file.write(bytes(2**20))

# %% a full disk
# differs: Limits
with open("data.bin", "wb") as file:
    for _ in range(80):
        file.write(bytes(2**20))

# %% two hundred threads
# differs: Limits
import threading
stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for _ in range(200)]
for thread in threads:
    thread.start()
stop.set()
print(len(threads))

# %% a file elsewhere
# differs: Places
open("/var/tmp/result.txt", "w").write("1")

# %% a file in a folder of the system
# differs: Places
import os
os.makedirs("/data/plots")

# %% an owner changed
# differs: Links
import os
open("mine.txt", "w").close()
os.chown("mine.txt", 1000, 1000)

# %% a hard link
# differs: Links
import os
open("a.txt", "w").close()
os.link("a.txt", "b.txt")

# %% the user's name
# differs: User
import os
import pwd
print(pwd.getpwuid(os.getuid()).pw_name)

# %% the owner of a file
# differs: User
from pathlib import Path
Path("a.txt").touch()
print(Path("a.txt").owner())

# %% whether Matplotlib is imported before it is
# differs: Imports
import sys
print("matplotlib" in sys.modules, "numpy" in sys.modules)

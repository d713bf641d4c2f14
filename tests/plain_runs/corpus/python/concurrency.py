# %% asyncio runs
import asyncio
async def square(n):
    await asyncio.sleep(0.01)
    return n * n
async def main():
    return await asyncio.gather(*(square(n) for n in range(5)))
print(asyncio.run(main()))

# %% asyncio to a thread
import asyncio
import time
def slow():
    time.sleep(0.05)
    return [1, 3, 2]
async def main():
    return await asyncio.to_thread(slow)
print(asyncio.run(main()))

# %% a loop by hand
import asyncio
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
print(loop.run_until_complete(asyncio.sleep(0, "done")), type(loop).__name__)
loop.close()

# %% timeouts
import asyncio
async def main():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)
    except TimeoutError:
        print("too late")
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except asyncio.TimeoutError:
        print("too late again")
asyncio.run(main())

# %% groups of tasks
import asyncio
async def main():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.01, n)) for n in range(3)]
    print([task.result() for task in tasks])
asyncio.run(main())

# %% a group that fails
import asyncio
async def fail():
    raise ValueError("inside")
async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
asyncio.run(main())

# %% queues, locks and events
import asyncio
async def main():
    queue = asyncio.Queue()
    async def produce():
        for n in range(3):
            await queue.put(n)
    await asyncio.gather(produce(), asyncio.sleep(0))
    async with asyncio.Lock():
        print([queue.get_nowait() for _ in range(3)])
asyncio.run(main())

# %% calls from threads
import asyncio
import threading
async def main():
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    threading.Thread(target=lambda: loop.call_soon_threadsafe(done.set)).start()
    await done.wait()
    print("told")
asyncio.run(main())

# %% a runner
import asyncio
with asyncio.Runner() as runner:
    print(runner.run(asyncio.sleep(0, 1)), runner.run(asyncio.sleep(0, 2)))

# %% asynchronous generators
import asyncio
async def numbers():
    for n in range(3):
        yield n
async def main():
    print([n async for n in numbers()])
asyncio.run(main())

# %% await outside
await something

# %% a coroutine never awaited
async def nothing():
    pass
nothing()

# %% a picture from a coroutine
import asyncio
import matplotlib.pyplot as plt
async def draw():
    await asyncio.sleep(0)
    plt.plot([1, 2])
asyncio.run(draw())

# %% threads
import threading
found = []
threads = [threading.Thread(target=found.append, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(found), threading.active_count(), threading.main_thread().name)

# %% an executor of threads
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda n: n * n, range(9))))
    print(sorted(each.result() for each in as_completed([pool.submit(pow, 2, n) for n in range(4)])))

# %% a pool of threads
from multiprocessing.pool import ThreadPool
with ThreadPool(4) as pool:
    print(pool.map(lambda n: n * n, range(9)))

# %% a pool of multiprocessing's dummy
from multiprocessing.dummy import Pool
with Pool(3) as pool:
    print(pool.map(len, ["a", "bb"]), pool.starmap(pow, [(2, 3)]))

# %% how many processors
import multiprocessing
import os
print(os.cpu_count() >= 1, multiprocessing.cpu_count() >= 1)

# %% timers, locks and semaphores
import threading
done = threading.Event()
threading.Timer(0.01, done.set).start()
print(done.wait(5))
with threading.Semaphore(2), threading.RLock():
    print("held")

# %% values of one thread
import threading
local = threading.local()
local.x = 1
thread = threading.Thread(target=lambda: print(hasattr(local, "x")))
thread.start()
thread.join()

# %% a queue between threads
import queue
import threading
items = queue.Queue()
threading.Thread(target=lambda: [items.put(n) for n in range(3)]).start()
print([items.get(timeout=5) for _ in range(3)])

# %% a thread of the background
import threading
import time
threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
print("not waited for")

# %% an alarm
import signal
import time
def ring(number, frame):
    raise TimeoutError("rang")
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    time.sleep(5)
except TimeoutError as error:
    print(error)

# %% a signal to oneself
import os
import signal
signal.signal(signal.SIGUSR1, lambda number, frame: print("got", number))
os.kill(os.getpid(), signal.SIGUSR1)

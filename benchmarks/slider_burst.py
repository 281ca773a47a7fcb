"""500 slider events in 5 s, sent to a real kernel as the browser would: errors, backlog, memory.

    python benchmarks/slider_burst.py
    python benchmarks/slider_burst.py --events 2000 --seconds 10

The events go out on time whether or not the kernel has answered (a browser holds them back until it has, so this is
the worst case). Reported: pictures drawn, time from the last event to the last picture, whether that picture is that
of the last state, and the kernel's memory before and after.
"""

import argparse
import time

from jupyter_client.manager import start_new_kernel

SETUP = """
import resource, torch
torch.set_num_threads(1)
from ddim_lessons.lessons.lesson_07.pictures import trajectory_lab
live = trajectory_lab()
for S in live.controls["S"].options[:12]:
    live.show(live.start | {"S": S})
print(live.controls["S"].model_id, live.caption.model_id)
"""
MEMORY = "print(open('/proc/self/statm').read().split()[1])"


def run(client, code):
    """Run code in the kernel and return what it printed; raises if the code does."""
    printed = []
    client.execute_interactive(
        code,
        output_hook=lambda m: printed.append(m["content"].get("text", m["content"].get("evalue", ""))),
        timeout=120,
    )
    return "".join(printed)


def send(client, model, index):
    """Send what a slider sends when it is moved to the option with this number."""
    data = {"method": "update", "state": {"index": index}, "buffer_paths": []}
    client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": model, "data": data}))


def captions(client, model, seconds):
    """Yield (time, words) of every caption that arrives until none has for ``seconds``."""
    while True:
        try:
            message = client.get_iopub_msg(timeout=seconds)
        except Exception:
            return
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == model:
            words = content["data"].get("state", {}).get("value")
            if words:
                yield time.perf_counter(), words
        elif message["msg_type"] in ("error", "stream"):
            print("the kernel says:", str(content)[:300])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        slider, caption = run(client, SETUP).split()
        before = int(run(client, MEMORY)) * 4096 / 1e6
        start = time.perf_counter()
        for k in range(arguments.events):
            send(client, slider, k % 12 if k < arguments.events - 1 else 9)
            time.sleep(max(0.0, start + (k + 1) * arguments.seconds / arguments.events - time.perf_counter()))
        last = time.perf_counter()
        arrived = list(captions(client, caption, 2.0))
        after = int(run(client, MEMORY)) * 4096 / 1e6
        print(f"{arguments.events} events in {last - start:.1f} s; the kernel drew {len(arrived)} pictures")
        right, late = "S = 50" in arrived[-1][1], 1e3 * (arrived[-1][0] - last)
        print(f"the last came {late:.0f} ms after the last event and shows the last state: {right}")
        print(f"memory {before:.0f} MB before, {after:.0f} MB after")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()

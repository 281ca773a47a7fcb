"""Write ``tests/science/reference_ddim.json``: numbers of an independent DDIM, for the tests to compare with.

    pip install diffusers && python tools/make_reference.py

The independent implementation is diffusers' ``DDIMScheduler`` (leading spacing, ``set_alpha_to_one``, no clipping),
run on a deterministic stand-in for a network, with the noise of each step recorded. Its index t is time t + 1 here.
"""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, __version__

OUT = Path(__file__).resolve().parents[1] / "tests" / "science" / "reference_ddim.json"
T, CASES = 1000, [(5, 0.0), (10, 0.0), (10, 0.5), (10, 1.0), (50, 0.0), (50, 1.0)]


def stand_in(x, t):
    """A smooth map that depends on x and on the time t; the tests hold the same two lines."""
    return torch.tanh(x) * (0.5 + t / 2000)


def run(schedule, S, eta):
    """Return one path of four numbers as a JSON-ready dict."""
    scheduler = DDIMScheduler(T, beta_schedule=schedule, clip_sample=False, timestep_spacing="leading")
    scheduler.set_timesteps(S)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, generator=generator, dtype=torch.float64)
    path, noises = [x.tolist()], []
    for index in scheduler.timesteps.tolist():
        noise = torch.randn(4, generator=generator, dtype=torch.float64)
        eps_hat = stand_in(x, index + 1)
        x = scheduler.step(eps_hat, index, x, eta=eta, variance_noise=noise if eta else None).prev_sample
        path.append(x.tolist())
        noises.append(noise.tolist())
    tau = [index + 1 for index in scheduler.timesteps.tolist()] + [0]
    return {"schedule": schedule, "S": S, "eta": eta, "tau": tau, "path": path, "noises": noises}


if __name__ == "__main__":
    names = {"linear": "linear", "squaredcos_cap_v2": "cosine"}
    runs = [run(theirs, S, eta) | {"schedule": ours} for theirs, ours in names.items() for S, eta in CASES]
    OUT.write_text(json.dumps({"made with": f"diffusers {__version__}", "T": T, "runs": runs}) + "\n")
    print(f"wrote {OUT.name}: {len(runs)} paths")

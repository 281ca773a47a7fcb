"""Write the numbers of an independent DDIM, and of flow matching's Euler step, for the tests to compare with.

    pip install diffusers && python tools/make_reference.py

The independent implementation is diffusers' ``DDIMScheduler`` (leading spacing, ``set_alpha_to_one``, no clipping),
run on a deterministic stand-in for a network, with the noise of each step recorded. Its index t is time t + 1 here.
Its ``FlowMatchEulerDiscreteScheduler`` is run on a stand-in for a velocity; u is what it calls sigma.
"""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler, __version__

TESTS = Path(__file__).resolve().parents[1] / "tests"
OUT, FLOW = TESTS / "science" / "reference_ddim.json", TESTS / "lessons" / "reference_flow.json"
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


def run_flow(S, shift):
    """Return one path of flow matching, in steps of u from 1 to 0, as a JSON-ready dict."""
    scheduler = FlowMatchEulerDiscreteScheduler(T, shift=shift)
    scheduler.set_timesteps(S)
    x = torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    path, u = [x.tolist()], scheduler.sigmas.tolist()
    for k, t in enumerate(scheduler.timesteps):
        x = scheduler.step(torch.tanh(x) * (0.5 + u[k]), t, x).prev_sample
        path.append(x.tolist())
    return {"S": S, "shift": shift, "u": u, "path": path}


if __name__ == "__main__":
    names = {"linear": "linear", "squaredcos_cap_v2": "cosine"}
    runs = [run(theirs, S, eta) | {"schedule": ours} for theirs, ours in names.items() for S, eta in CASES]
    OUT.write_text(json.dumps({"made with": f"diffusers {__version__}", "T": T, "runs": runs}) + "\n")
    print(f"wrote {OUT.name}: {len(runs)} paths")
    flows = [run_flow(S, shift) for S in (5, 20, 50) for shift in (1.0, 3.0)]
    FLOW.write_text(json.dumps({"made with": f"diffusers {__version__}", "runs": flows}) + "\n")
    print(f"wrote {FLOW.name}: {len(flows)} paths")

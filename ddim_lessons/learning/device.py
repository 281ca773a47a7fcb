"""The device that a network is trained on: CUDA, Apple's MPS or the processor; and what to do where memory is short."""

from contextlib import contextmanager

import torch

from .. import require


@contextmanager
def usual_torch():
    """Let torch compute in 32 bits and with gradients, whatever the reader has set for all; after it, that holds again.

    Also a decorator. Devices are said where tensors are made.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)


def pick_device():
    """Return the torch device to train on: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def checked_device(device):
    """Return the torch device called ``device``, such as "cpu" or "cuda"; a sentence if this machine has none such."""
    require.that(
        isinstance(device, str | torch.device), "device", device, "the name of a device, such as 'cpu' or 'cuda'"
    )
    try:
        torch.ones(1, device=device).item()  # "meta" makes tensors, but has no numbers
    except (AssertionError, NotImplementedError, OverflowError, RuntimeError) as error:
        reason = str(error).partition("\n")[0][:80]
        require.that(False, "device", str(device), f"a device of this machine, such as 'cpu' ({reason})")
    return torch.device(device)


def device_in_words(device):
    """Return the name of a torch device for people, such as "NVIDIA H200 (CUDA)" or "the processor (CPU)"."""
    device = torch.device(device)
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA)"
    return {"mps": "Apple's GPU (MPS)", "cpu": "the processor (CPU)"}.get(device.type, device.type)


# --- when a GPU's memory is short ----------------------------------------------------------------------------------


def place(run, device):
    """Move a training to ``device``, or to the CPU if its memory is short; return where it is."""
    try:
        run.to(device)
    except RuntimeError as error:
        _say_that_memory_is_short(device, error)
        return place(run, torch.device("cpu"))
    return device


def leave_gpu(run, error):
    """Go on on the CPU after an error of memory: weights and moments come along, the noise is drawn from a new seed.

    A step is lost at most: memory is asked for before the weights change. Any other ``error`` is raised again.
    """
    _say_that_memory_is_short(run.device, error)
    run.optimizer.zero_grad()
    run.device, run.replay = place(run, torch.device("cpu")), None
    run.optimizer.param_groups[0]["capturable"] = False
    run.optimizer.load_state_dict(run.optimizer.state_dict())  # moves the moments to where the weights are
    run.generator = torch.Generator().manual_seed(run.settings["seed"] + run.step)


def _say_that_memory_is_short(device, error):
    """Print that training goes on without the GPU; raise ``error`` again if it is about anything else."""
    if device.type == "cpu" or "out of memory" not in str(error):
        raise error
    print(f"{device_in_words(device)} has too little free memory: training goes on on the processor, more slowly.")

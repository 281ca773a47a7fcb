"""The device that a network is trained on: CUDA, Apple's MPS or the processor."""

import torch

from .. import require


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
        torch.empty(1, device=device)
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

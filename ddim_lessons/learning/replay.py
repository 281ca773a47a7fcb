"""On CUDA a training step is recorded once and replayed: there a small network waits for launches, not for arithmetic.

A step of the points' network is some 90 launches of a few microseconds, whatever they compute; replayed it is one.
``benchmarks/gpu.py`` measures both, and ``data/results/gpu.json`` holds what it found.
"""

import torch

PLAIN = 8  # steps that are taken on the recording's stream before it, so that all memory that a step needs is there


class Replay:
    """A step of a training on CUDA: called with its numbers, it returns the loss, as ``advance`` does that it records.

    The numbers of the step lie in tensors, where the recording finds them. The generator of the training is made known
    to the recording, so that each replay draws anew, and what a step without it would draw.
    """

    def __init__(self, run, advance):
        self.run, self.advance, self.taken, self.graph = run, advance, 0, None
        self.numbers = [torch.zeros((), device=run.device) for _ in range(2)]
        self.stream = torch.cuda.Stream(run.device)
        run.optimizer.param_groups[0]["capturable"] = True

    def __call__(self, lr, share):
        """Take one step with the learning rate ``lr`` and the ``share`` of the weights in their average."""
        for tensor, number in zip(self.numbers, (lr, share), strict=True):
            tensor.fill_(number)
        if self.graph is None and self.taken == PLAIN:
            self._record()
        self.taken += 1
        if self.graph is None:
            return self._on_stream()
        self.graph.replay()
        return self.loss.clone()

    def _on_stream(self):
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            loss = self.advance(self.run, *self.numbers)
        torch.cuda.current_stream().wait_stream(self.stream)
        return loss

    def _record(self):
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.run.generator)
        self.run.optimizer.zero_grad()
        with torch.cuda.graph(graph, stream=self.stream):
            self.loss = self.advance(self.run, *self.numbers)
        self.graph = graph

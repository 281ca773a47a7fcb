"""Networks that predict the noise: what they are, how they are trained, stored and judged. Needs torch."""

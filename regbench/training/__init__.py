"""Random draws, optimizers, runs to stacks, the one loop, scoring."""

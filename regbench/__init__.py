"""regbench: how much does a model overfit, and which regularizer closes the gap?"""

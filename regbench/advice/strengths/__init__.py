"""Strengths of penalties and decays, as regbench, Keras, PyTorch and scikit-learn name them."""

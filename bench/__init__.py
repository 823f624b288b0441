"""Figures, each beside a ceiling or a peer from the same run: machines here are noisy."""

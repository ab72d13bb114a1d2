"""Speed, measured: each figure beside a baseline of the same run. Tests never assert these."""

"""Speed measured against peers on generated counties; run as ``python -m benchmarks``."""

"""Figures of the whole, with real processes: ``python -m tests.benchmarks [NAME ...]``, or ``make bench``.

What is measured and what is aimed at: docs/performance.md.
"""

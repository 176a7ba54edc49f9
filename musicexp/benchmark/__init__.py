"""Benchmarks: this package's own runs beside a published table that everybody can check.

A fold is an ordinary run, marked as one of the benchmark; whatever is trained here can be trained with `run`.
"""

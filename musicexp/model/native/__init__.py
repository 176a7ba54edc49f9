"""Kernels in C++: built once by `make setup` where there is a compiler, chosen by what the processor can do.

The sources stand beside this file. A library carries the hash of the sources it was built from in its name, so
that an old one is never loaded. It is plain C behind ctypes: one build serves every version of Python and torch.
"""

from musicexp.model.native.building import INSTRUCTION_SETS, BuildError, build, built
from musicexp.model.native.kernels import Kernels, Stack, StackParts, load

__all__ = ["INSTRUCTION_SETS", "BuildError", "Kernels", "Stack", "StackParts", "build", "built", "load"]

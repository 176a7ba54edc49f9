"""How an LSTM's recurrence is computed: one set of weights (torch.nn.LSTM's), three paths.

`torch` is nn.LSTM itself. `hoisted` and `native` take what comes from the inputs out of the loop over time, for
the first layer as a table by token, and make the weights' gradient as one product behind it.
"""

from musicexp.model.recurrence.choice import Machine, Resolved, resolve, this_machine
from musicexp.model.recurrence.stack import Recurrence, recurrence

__all__ = ["Machine", "Recurrence", "Resolved", "recurrence", "resolve", "this_machine"]

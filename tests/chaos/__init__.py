"""`make chaos`: random faults on a stack of its own, and an oracle that looks after each."""

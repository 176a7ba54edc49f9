"""What all arms search, in Hydra's grammar, which `sweep` and hydra-optuna-sweeper read alike."""

FIXED = ("model=lstm1", "model.hidden_size=64", "model.embedding_dim=32", "seq_length=100")
SPACE = (
    "lr=tag(log,interval(1e-4,1e-1))",
    "batch_size=choice(4,8,16,32)",
    "iterations=choice(100,200,400)",
)

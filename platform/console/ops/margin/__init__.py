"""Where money is earned and lost: by tenant, model, channel or price row, over time."""

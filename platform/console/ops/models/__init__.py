"""The pages of models: their contracts, their channels and their sunsets."""

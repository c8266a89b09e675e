"""The pages of models: what is promised, who serves it, until when."""

"""OpenRouter's images, of any of its vendors."""

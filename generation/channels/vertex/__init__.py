"""Gemini's models on Vertex AI, by a service account."""

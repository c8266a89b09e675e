"""Google's generateContent wire: the Gemini API, and the same models on Vertex AI."""

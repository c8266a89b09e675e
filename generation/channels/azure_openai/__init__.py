"""OpenAI's image models on Azure: OpenAI's wire at other addresses."""

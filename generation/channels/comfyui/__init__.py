"""Kind `comfyui`: graphs of the operator's, on ComfyUI servers of their own."""

"""The past of the demo workspace: 90 days of a shop that never was, marked as demo data.

story.py      what happened: requests, calls, endings. Pure, the same for the same moment
habits.py     which models, sizes and qualities the shop asks for, and what goes wrong
prompts.py    its words
writing.py    the one service that writes all of it
around.py     refused requests, and what turned on the channel
demo_pictures.py   the newest images, painted by the sandbox once everything else runs
"""

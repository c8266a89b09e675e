"""The past of the demo workspace: 90 days of an invented shop, marked as demo data.

story.py      the events: requests, calls, endings. Pure, the same for the same moment
habits.py     the shop's models, sizes and qualities, and its failures
prompts.py    its words
writing.py    the one service that writes all of it
surroundings.py     refused requests, and the channel's events
demo_pictures.py   the newest images, painted by the sandbox once everything else runs
"""

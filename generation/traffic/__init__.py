"""How channels fare: what turned on them, and how calls went, as operators ask for it."""

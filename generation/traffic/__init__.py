"""How channels fare: what turned on them, how calls went, and what vendors said."""

"""How channels fare: what turned on them, as operators and conditions ask for it."""

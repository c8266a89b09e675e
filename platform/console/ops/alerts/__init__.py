"""Who is told of conditions: rules, what they match now, and what they told."""

"""Who is told of conditions: rules, by mail and signed webhook, once for each occasion."""

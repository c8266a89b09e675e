"""The pages of tenants: who pays, who is at risk, and what is done about it."""

"""Alert rules: the conditions they match, their recipients and the alerts they sent."""

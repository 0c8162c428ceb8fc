"""ChatMRPT's Data Analysis: upload a data set, then chat about it."""

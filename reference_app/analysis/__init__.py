"""The agent that answers questions about a data set: a tool-calling model over typed pandas tools."""

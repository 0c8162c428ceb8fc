"""Asks a live URL what stands behind it, with few requests and nothing but GET.

wire      one request at a time: budget, rate, user agent, connections, cookies    -> Sample
backends  how answers are told apart                                               -> Backends
spread, pins, drift, state    what follows, each sentence with how sure it is      -> Statement
probing   these in order
"""

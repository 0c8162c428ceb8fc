"""Load: Locust users from the journey of a scenarios package, on topologies side by side.

    harness load A B C                         one slice at a time: A B C A B C A B C
      round by round, topology by topology
        runtime: topology up                   nginx, instances, stores
        driver:  python -m locust              a process of its own: gevent patches all it touches
          locustfile -> visit -> LOAD          the package's journey: requests, and what is right
        <- every request, and the app's evidence
      figures -> thresholds, table, picture, files

A visit's answers are judged as they come in. One that is wrong fails in Locust's own statistics under a
name that begins with ``WRONG``, whatever its status code.
"""

WRONG = "wrong: "

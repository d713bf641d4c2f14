"""A discrete-event model of hosts, each as the gateway is, behind balancers.

Theory of operation. The clock (`clock`) calls actions in the order of their times. A node (`node`) has a queue that is
fair between keys (`fair_queue`, as `gateway/admission.py`), a pool of warm containers (as `gateway/launcher/pool.py`),
and a processor (`processor`) that its jobs, the making of containers and their removal share equally. A balancer
(`balancer`) gives each job to a node by a policy (`policies`), and may hold back what no node has a place for. Requests
come at random times (`arrivals`). `cluster` puts it together; `outcomes` counts how it ended.

What isn't modelled: memory, networks, requests that fail, clients that try again, several cores for one job, and
whatever makes an engine slower the more containers it has.
"""

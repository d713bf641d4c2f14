"""From one host to many, on paper: a model of hosts behind a balancer, and what it is fed with and checked against."""

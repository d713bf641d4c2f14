"""What is measured for the model: a node's costs, a node under load, and what a balancer costs."""

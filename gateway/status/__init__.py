"""How the service is: endpoints and gauges that say so, and a command that shows it to an operator."""

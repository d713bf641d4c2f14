"""How the service is: the endpoints and gauges that say so."""

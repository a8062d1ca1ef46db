"""How requests reach the service: in the same process through moto, and over HTTP."""

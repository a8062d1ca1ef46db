"""The command line: ``run`` runs a DAG file beside the local Personalize, ``serve`` serves it."""

"""
What the local Personalize knows of data and training: datasets, models, filters, and the files of batch jobs.

It is popularity and item-to-item co-occurrence in plain Python, there to exercise pipelines: recommendations answer to
the data that was imported, metrics are really computed, filters really filter, the same data gives the same answers. It
is not a model of the service's quality: its scores and metrics say nothing about what Amazon Personalize would reach on
the same data.

``data`` holds the rows, ``training`` makes a model of them, ``filters`` reads filter expressions, ``batch`` turns lines
of input into lines of output. Nothing here knows of requests, states or S3.
"""

"""
What the service does, and refuses, for one resource type or one operation.

``table`` and ``models.OTHERS`` name them. They ask of the rest what ``backend`` says.
"""

"""
What the service does, and refuses, in one kind of resource or one operation.

``table`` and ``models.OTHERS`` name them. They ask of the rest what ``backend`` says.
"""

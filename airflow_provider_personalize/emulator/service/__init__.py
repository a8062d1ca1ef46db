"""The service itself: its resources and the rules between them."""

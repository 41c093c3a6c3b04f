"""A bot as a graph of TensorFlow's own operations, for programs that have no chatbot.

The twins of `talk` and of what it reads text by; tests/graph compares the two.
"""

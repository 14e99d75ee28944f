"""What is predicted: exponents and diagrams, low-dimensional equations, times from first principles."""
